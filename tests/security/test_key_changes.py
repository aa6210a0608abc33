"""Keys are changed without signing anybody out, and a command says what still hangs on the old one."""

import io
import threading
import uuid
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from jwt import get_unverified_header
from rest_framework_simplejwt.exceptions import TokenError

from bff_project.key_usage import KeyUse, key_uses
from claims.models import Submission
from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.store import default_cache
from gateway_clients.conf import DataClass
from gateway_clients.encryption import UnsealableError, fingerprint, key_from_text, sealer
from members import second_factor, token_families
from members.checks import check_private_keys
from members.models import Account, TokenFamily
from members.tokens import AccessToken
from tests.security.test_forged_tokens import ME, pem_file
from tests.support.waiting import wait_until

OLD, NEW = "an-old-secret-of-at-least-32-bytes-00", "a-new-secret-of-at-least-32-bytes-000"
OLD_KEY, NEW_KEY = "b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkMTI=", "bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3MTI="


@pytest.fixture
def siti(db: None, settings: Any) -> Account:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.CACHE_KEY_PREFIX = uuid.uuid4().hex
    return Account.objects.create_user("siti@example.com", "a-password", member_id="m-1")


def status_of(token: str) -> int:
    return Client().get(ME, headers={"Authorization": f"Bearer {token}"}).status_code


def uses(setting: str) -> Mapping[str, tuple[str, int | None]]:
    """By key: what it does, and what hangs on it."""
    found: list[KeyUse] = [use for use in key_uses() if use.setting == setting]
    return {use.key: (use.does, use.count) for use in found}


def name_of(secret: str) -> str:
    return fingerprint(secret.encode())


def test_the_three_rounds_of_a_change_sign_nobody_out(siti: Account, settings: Any) -> None:
    settings.JWT_SECRET = settings.REFRESH_TOKEN_SECRET = (OLD,)
    first = token_families.begin(siti)

    settings.JWT_SECRET = settings.REFRESH_TOKEN_SECRET = (OLD, NEW)
    assert status_of(first.access) == 200
    second = token_families.begin(siti)

    settings.JWT_SECRET = settings.REFRESH_TOKEN_SECRET = (NEW, OLD)
    assert [status_of(pair.access) for pair in (first, second)] == [200, 200]
    assert uses("JWT_SECRET") == {name_of(NEW): ("signs", 0), name_of(OLD): ("verifies", 2)}
    third = token_families.rotate(first.refresh)
    assert uses("REFRESH_TOKEN_SECRET") == {name_of(NEW): ("signs", 1), name_of(OLD): ("verifies", 1)}
    fourth = token_families.rotate(second.refresh)
    assert uses("REFRESH_TOKEN_SECRET") == {name_of(NEW): ("signs", 2), name_of(OLD): ("verifies", 0)}

    settings.JWT_SECRET = settings.REFRESH_TOKEN_SECRET = (NEW,)
    assert [status_of(pair.access) for pair in (third, fourth)] == [200, 200]
    token_families.rotate(third.refresh)


def test_a_key_that_was_taken_out_too_early_is_named_as_missing(siti: Account, settings: Any) -> None:
    settings.REFRESH_TOKEN_SECRET = (OLD,)
    token_families.begin(siti)
    settings.REFRESH_TOKEN_SECRET = (NEW,)

    assert uses("REFRESH_TOKEN_SECRET") == {name_of(NEW): ("signs", 0), name_of(OLD): ("missing", 1)}


def test_private_keys_are_changed_in_the_same_rounds(siti: Account, settings: Any, tmp_path: Path) -> None:
    old, new = (pem_file(tmp_path / name, ec.generate_private_key(ec.SECP256R1())) for name in ("old", "new"))
    settings.JWT_ALGORITHM = "ES256"
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "ALGORITHM": "ES256"}
    settings.JWT_PRIVATE_KEYS = (old,)
    first = token_families.begin(siti)
    settings.JWT_PRIVATE_KEYS = (new, old)

    assert status_of(first.access) == 200
    assert len(Client().get("/.well-known/jwks.json").json()["keys"]) == 2
    second = token_families.rotate(first.refresh)
    settings.JWT_PRIVATE_KEYS = (new,)
    assert (status_of(first.access), status_of(second.access)) == (401, 200)


def test_staff_stay_signed_in_while_the_secret_key_changes(settings: Any, db: None) -> None:
    settings.SECRET_KEY = OLD
    client = Client()
    client.force_login(Account.objects.create_superuser("boss@example.com", "a-long-password-of-staff"))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]

    assert client.get("/admin/").status_code == 200
    assert sum(count or 0 for _, count in uses("SECRET_KEY").values()) == 1
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get("/admin/").status_code == 302 or uses("SECRET_KEY")[name_of(NEW)] == ("signs", 1)


def test_what_was_encrypted_with_the_old_key_is_still_opened(siti: Account, settings: Any) -> None:
    settings.CACHE_ENCRYPTION_KEYS = (OLD_KEY,)
    sealed = sealer().seal("a-name", b"a value")
    settings.CACHE_ENCRYPTION_KEYS = (NEW_KEY, OLD_KEY)

    assert sealer().open("a-name", sealed) == b"a value"
    settings.CACHE_ENCRYPTION_KEYS = (NEW_KEY,)
    with pytest.raises(UnsealableError):
        sealer().open("a-name", sealed)


def test_the_command_names_every_key_and_shows_none(siti: Account, settings: Any) -> None:
    settings.CACHE_ENCRYPTION_KEYS = (NEW_KEY, OLD_KEY)
    settings.EVENTS_WEBHOOK_SECRET = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",)
    token_families.begin(siti)
    out = io.StringIO()

    call_command("keys", stdout=out)

    said = out.getvalue()
    for name in (
        "SECRET_KEY", "JWT_SECRET", "REFRESH_TOKEN_SECRET", "CACHE_ENCRYPTION_KEYS", "AUDIT_KEYS",
        "EVENTS_WEBHOOK_SECRET",
    ):  # fmt: skip
        assert f"\n{name} " in said
    assert fingerprint(key_from_text(OLD_KEY)) in said
    secrets = [settings.SECRET_KEY, *settings.JWT_SECRET, *settings.REFRESH_TOKEN_SECRET, *settings.AUDIT_KEYS]
    assert [secret for secret in [*secrets, NEW_KEY, OLD_KEY] if secret in said] == []


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (None, "must name a PEM file"),
        ("missing", "cannot be read: No such file or directory."),
        (b"no key", "is no private key in PEM without a password."),
        (ec.generate_private_key(ec.SECP384R1()), "is no key of the curve P-256."),
    ],
)
def test_a_file_that_cannot_sign_is_named_at_the_start(
    content: Any, trouble: str, settings: Any, tmp_path: Path
) -> None:
    path = tmp_path / "key.pem"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content not in {None, "missing"}:
        pem_file(path, content)
    settings.JWT_ALGORITHM = "ES256"
    settings.JWT_PRIVATE_KEYS = () if content is None else (str(path),)

    (found,) = check_private_keys()

    assert trouble in found.msg


def test_keys_change_under_load_without_one_refusal(settings: Any) -> None:
    """Signers and verifiers go on while the rounds follow each other, as processes do that restart one by one."""
    settings.JWT_SECRET = (OLD,)
    is_over = threading.Event()
    refused: list[str] = []
    taken: Counter[str] = Counter()

    def sign_and_verify() -> None:
        kept = []
        while not is_over.is_set():
            kept.append(str(AccessToken.of(TokenFamily(id=uuid.uuid4(), account_id=1))))
            for text in kept[-3:]:
                try:
                    AccessToken(text)
                except TokenError as error:
                    refused.append(str(error))
                else:
                    taken[get_unverified_header(text)["kid"]] += 1

    readers = [threading.Thread(target=sign_and_verify) for _ in range(4)]
    for reader in readers:
        reader.start()
    for secrets, signer in (((OLD,), OLD), ((OLD, NEW), OLD), ((NEW, OLD), NEW)):
        settings.JWT_SECRET = secrets
        seen = taken[name_of(signer)]
        wait_until(lambda seen=seen, signer=signer: taken[name_of(signer)] >= seen + 200, seconds=30)
    is_over.set()
    for reader in readers:
        reader.join()

    assert refused == []
    assert sum(taken.values()) >= 600


def test_second_factors_are_counted_by_the_key_that_seals_them(siti: Account, settings: Any) -> None:
    settings.CACHE_ENCRYPTION_KEYS = (OLD_KEY,)
    second_factor.enrol(siti)
    settings.CACHE_ENCRYPTION_KEYS = (NEW_KEY, OLD_KEY)

    found = {use.key: (use.does, use.count) for use in key_uses() if use.what == "second factors"}

    assert found == {
        fingerprint(key_from_text(NEW_KEY)): ("signs", 0),
        fingerprint(key_from_text(OLD_KEY)): ("verifies", 1),
    }


def test_parts_of_submissions_and_values_in_redis_are_counted_by_the_key_that_seals_them(
    settings: Any, db: None
) -> None:
    settings.CACHE_KEY_PREFIX = f"test-{uuid.uuid4().hex}"
    default_cache.cache_clear()
    names = [fingerprint(key_from_text(key)) for key in (NEW_KEY, OLD_KEY)]
    now = timezone.now()
    for keys, parts in (((OLD_KEY,), ("asked", "sent")), ((NEW_KEY, OLD_KEY), ("asked",))):
        settings.CACHE_ENCRYPTION_KEYS = keys
        row = Submission(account_id="7", operation="cancel", leased_until=now, expires_at=now)
        for part in parts:
            setattr(row, part, row.seal(part, b"{}"))
        row.save()
        default_cache().set(CacheKey(DataClass.CLAIMS, parts[-1], Subject.member("m-1")), {"a": 1})

    found = {(use.what, use.key): use.count for use in key_uses()}

    assert [found["parts of submissions", name] for name in names] == [1, 2]
    assert [found["values in Redis", name] for name in names] == [1, 1]
