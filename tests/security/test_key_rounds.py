"""Each key is changed in rounds, under load, without one refusal; a key that nobody has named is refused."""

import base64
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest
from django.core import signing
from rest_framework_simplejwt.exceptions import TokenError

from gateway_clients.edge.errors import WrongSignatureError
from gateway_clients.edge.events.webhooks import verified
from gateway_clients.encryption import UnsealableError, sealer
from members.models import TokenFamily
from members.tokens import RefreshToken
from tests.events.signing import body_of, headers_of
from tests.support.waiting import wait_until

OLD, NEW, FOREIGN = (f"{name}-secret-of-at-least-32-bytes-0000" for name in ("an-old", "a-newer", "a-foreign"))
BODY: Final = body_of("member.updated", member_id="m-1")
REFUSALS: Final = (TokenError, UnsealableError, WrongSignatureError, signing.BadSignature)
#: What each round proves at least.
CHECKS: Final = 200


def sealing_key(secret: str) -> str:
    return base64.b64encode(secret.encode()[:32]).decode()


def webhook_secret(secret: str) -> str:
    return f"whsec_{base64.b64encode(secret.encode()).decode()}"


@dataclass
class Settings:
    """The settings of the test, and the secret that the services sign events with."""

    django: Any
    sender: str = OLD


def set_secret_key(to: Settings, secrets: tuple[str, ...]) -> None:
    # Two settings: what verifies is widened before what signs is changed, as no process sees half of it.
    to.django.SECRET_KEY_FALLBACKS = [OLD, NEW]
    to.django.SECRET_KEY = secrets[0]
    to.django.SECRET_KEY_FALLBACKS = list(secrets[1:])


def set_refresh_secret(to: Settings, secrets: tuple[str, ...]) -> None:
    to.django.REFRESH_TOKEN_SECRET = secrets


def set_cache_keys(to: Settings, secrets: tuple[str, ...]) -> None:
    to.django.CACHE_ENCRYPTION_KEYS = tuple(sealing_key(secret) for secret in secrets)


def set_webhook_secret(to: Settings, secrets: tuple[str, ...]) -> None:
    to.django.EVENTS_WEBHOOK_SECRET = tuple(webhook_secret(secret) for secret in secrets)
    to.sender = secrets[0]


def refresh_token(_: Settings) -> str:
    return str(RefreshToken.of(TokenFamily(id=uuid.uuid4(), account_id=1)))


def check_event(to: Settings, headers: Any) -> None:
    verified(headers, BODY, to.django.EVENTS_WEBHOOK_SECRET)


@dataclass(frozen=True)
class Key:
    """How a key is set, how something is made with it, and how that is checked."""

    set: Callable[[Settings, tuple[str, ...]], None]
    make: Callable[[Settings], Any]
    check: Callable[[Settings, Any], Any]


KEYS: Final = {
    "SECRET_KEY": Key(set_secret_key, lambda _: signing.dumps({"1": 0}), lambda _, made: signing.loads(made)),
    "REFRESH_TOKEN_SECRET": Key(set_refresh_secret, refresh_token, lambda _, made: RefreshToken(made)),
    "CACHE_ENCRYPTION_KEYS": Key(
        set_cache_keys, lambda _: sealer().seal("a-name", b"a value"), lambda _, made: sealer().open("a-name", made)
    ),
    "EVENTS_WEBHOOK_SECRET": Key(
        set_webhook_secret, lambda to: headers_of(BODY, secret=webhook_secret(to.sender)), check_event
    ),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_changes_under_load_without_one_refusal(name: str, settings: Any) -> None:
    """Threads make and check all the while, also what was made a round before, as processes do that restart in turn."""
    key, given = KEYS[name], Settings(settings)
    key.set(given, (OLD,))
    is_over, lock = threading.Event(), threading.Lock()
    refused: list[str] = []
    checked: Counter[int] = Counter()
    made_in: list[list[Any]] = [[], [], []]
    current = [0]

    def make_and_check() -> None:
        while not is_over.is_set():
            turn = current[0]
            with lock:
                made_in[turn].append(key.make(given))
                tried = [made[-1] for made in made_in if made]
            for each in tried:
                try:
                    key.check(given, each)
                except REFUSALS as error:
                    refused.append(f"{turn}: {type(error).__name__}")
                else:
                    checked[turn] += 1

    threads = [threading.Thread(target=make_and_check) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for turn, secrets in enumerate(((OLD,), (OLD, NEW), (NEW, OLD))):
            key.set(given, secrets)
            current[0] = turn
            wait_until(lambda turn=turn: checked[turn] >= CHECKS, seconds=30)
    finally:
        is_over.set()
        for thread in threads:
            thread.join()

    assert refused == []
    made_with_new = key.make(given)
    key.set(given, (NEW,))
    key.check(given, made_with_new)
    with pytest.raises(REFUSALS):
        key.check(given, made_in[0][0])


@pytest.mark.parametrize("name", KEYS)
def test_what_a_foreign_key_has_made_is_refused(name: str, settings: Any) -> None:
    key, given = KEYS[name], Settings(settings)
    key.set(given, (FOREIGN,))
    made = key.make(given)
    key.set(given, (NEW, OLD))

    with pytest.raises(REFUSALS):
        key.check(given, made)
