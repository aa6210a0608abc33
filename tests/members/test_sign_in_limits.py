"""Wrong tries wait, each longer; right ones count for nothing, and a known device keeps its way in."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from gateway_clients.edge.errors import OverloadedError
from gateway_clients.edge.rate_limit import limiter_cache
from gateway_clients.edge.rate_limit.pauses import LocalPauses, Schedule, count_try
from gateway_clients.redis_access.circuit import default_connection
from members.known_devices import PLAIN_NAME, SECURE_NAME, YEAR_SECONDS
from members.models import Account

pytestmark = pytest.mark.django_db

PASSWORD = "a-good-password"
EMAIL = "siti@example.com"
LOGIN = "/api/v1/auth/login"


@pytest.fixture
def siti(settings: Any) -> Account:
    """A member, whose account takes one wrong try from an address and five from all."""
    settings.LOGIN_RATE_LIMIT_MAX = 1
    return Account.objects.create_user(EMAIL, PASSWORD, member_id="m-1")


def sign_in(client: Client, password: str = PASSWORD, *, address: str = "10.0.0.1", email: str = EMAIL) -> Any:
    return client.post(LOGIN, {"email": email, "password": password}, "application/json", REMOTE_ADDR=address)


def strangers_use_up_the_account() -> None:
    for number in range(6):
        sign_in(Client(), "wrong", address=f"10.6.6.{number}")


def test_right_passwords_count_for_nothing(portal: Client, siti: Account) -> None:
    assert [sign_in(portal).status_code for _ in range(12)] == [200] * 12
    assert sign_in(portal, "wrong").status_code == 401
    assert sign_in(portal, "wrong").status_code == 429


def test_graphql_and_the_staff_page_give_back_too(portal: Client, siti: Account) -> None:
    Account.objects.filter(pk=siti.pk).update(is_staff=True)
    query = f'mutation {{ login(email: "{EMAIL}", password: "{PASSWORD}") {{ expiresIn }} }}'
    for _ in range(3):
        answer = portal.post("/graphql", {"query": query}, "application/json", REMOTE_ADDR="10.0.0.1")
        assert "errors" not in answer.json()
        page = portal.post("/admin/login/", {"username": EMAIL, "password": PASSWORD}, REMOTE_ADDR="10.0.0.1")
        assert page.status_code == 302


def test_strangers_keep_a_new_device_out_and_no_known_one(portal: Client, siti: Account) -> None:
    sign_in(portal, address="10.0.0.1")
    strangers_use_up_the_account()

    assert sign_in(Client(), address="10.0.0.9").status_code == 429
    assert sign_in(portal, address="10.0.0.2").status_code == 200
    assert portal.post(
        "/graphql",
        {"query": f'mutation {{ login(email: "{EMAIL}", password: "{PASSWORD}") {{ expiresIn }} }}'},
        "application/json",
        REMOTE_ADDR="10.0.0.3",
    ).json()["data"]["login"]


def test_a_device_is_known_that_has_signed_in_over_graphql(siti: Account) -> None:
    client = Client()
    query = f'mutation {{ login(email: "{EMAIL}", password: "{PASSWORD}") {{ expiresIn }} }}'

    answer = client.post("/graphql", {"query": query}, "application/json", REMOTE_ADDR="10.0.0.1")
    strangers_use_up_the_account()

    assert answer.cookies[PLAIN_NAME]["max-age"] == YEAR_SECONDS
    assert sign_in(Client(), address="10.0.0.9").status_code == 429
    again = client.post("/graphql", {"query": query}, "application/json", REMOTE_ADDR="10.0.0.2")
    assert again.json()["data"]["login"]["expiresIn"] > 0


def test_a_known_device_is_limited_by_itself(portal: Client, siti: Account) -> None:
    sign_in(portal)

    tries = [sign_in(portal, "wrong", address=f"10.0.0.{number}") for number in range(2)]
    assert [answer.status_code for answer in tries] == [401, 429]
    assert sign_in(Client(), address="10.0.0.1").status_code == 200


def test_strangers_behind_the_same_address_keep_no_known_device_out(portal: Client, siti: Account) -> None:
    sign_in(portal)
    for number in range(12):
        sign_in(Client(), "wrong", email=f"{number}@example.com")
    assert [sign_in(Client(), "wrong").status_code, sign_in(Client()).status_code] == [429, 429]

    assert [sign_in(portal, "wrong").status_code, sign_in(portal).status_code] == [401, 429]


def test_strangers_keep_no_staff_out_of_the_console_where_they_have_signed_in_before(siti: Account) -> None:
    Account.objects.filter(pk=siti.pk).update(is_staff=True)
    form, client = {"username": EMAIL, "password": PASSWORD}, Client()
    assert client.post("/admin/login/", form, REMOTE_ADDR="10.0.0.1").status_code == 302
    strangers_use_up_the_account()

    refused = Client().post("/admin/login/", form, REMOTE_ADDR="10.0.0.9")
    assert re.search(r"Too many requests, please try again later in 1?\d s\.", refused.content.decode())
    assert client.post("/admin/login/", form, REMOTE_ADDR="10.0.0.2").status_code == 302


def test_who_has_a_session_of_staff_cannot_guess_its_password(siti: Account, client: Client) -> None:
    Account.objects.filter(pk=siti.pk).update(is_staff=True)
    client.force_login(siti)

    def change(old: str) -> Any:
        new = {"new_password1": "quite-another-one", "new_password2": "quite-another-one"}
        return client.post("/admin/password_change/", {"old_password": old, **new}, REMOTE_ADDR="10.0.0.1")

    wrong, refused = change("wrong"), change(PASSWORD)

    assert (wrong.status_code, refused.status_code, waits(refused) > 0) == (200, 429, True)
    assert Account.objects.get().check_password(PASSWORD)
    pass_time()
    assert change(PASSWORD).status_code == 302
    assert sign_in(Client(), "quite-another-one").status_code == 200


def pass_time() -> None:
    """Ends every pause, as its time would."""
    circuit = limiter_cache.cache_guard()
    circuit.run(lambda redis: [redis.delete(key) for key in redis.scan_iter(f"{own_prefix()}*:pause")])


def own_prefix() -> str:
    return str(caches["limits"].key_prefix)


def waits(answer: Any) -> int:
    """The pause that a refusal tells, of which a part may have passed."""
    assert answer.status_code == 429
    left = int(answer["Retry-After"])
    return min(pause for pause in (15, 30, 60, 120, 240, 480, 900) if pause >= left)


def test_each_wrong_try_makes_the_next_wait_twice_as_long_up_to_a_window(siti: Account) -> None:
    seen = []
    for _ in range(8):
        assert sign_in(Client(), "wrong").status_code == 401
        seen.append(waits(sign_in(Client())))
        pass_time()

    assert seen == [15, 30, 60, 120, 240, 480, 900, 900]
    assert sign_in(Client()).status_code == 200


def test_strangers_make_an_address_and_an_account_wait_a_minute_at_most(siti: Account) -> None:
    seen = []
    for number in range(9):
        sign_in(Client(), "wrong", address=f"10.6.6.{number}")
        seen.append(sign_in(Client(), address="10.0.0.9"))
        pass_time()

    assert [answer.status_code for answer in seen[:4]] == [200] * 4
    assert [waits(answer) for answer in seen[4:]] == [15, 30, 60, 60, 60]


def test_who_is_refused_by_one_limit_uses_up_no_other(siti: Account) -> None:
    strangers_use_up_the_account()
    for _ in range(5):
        assert waits(sign_in(Client(), address="10.0.0.9")) == 15
    pass_time()

    assert sign_in(Client(), "wrong", address="10.0.0.9").status_code == 401


def test_no_key_in_redis_names_the_account_or_the_address(siti: Account) -> None:
    sign_in(Client(), "wrong", address="10.0.0.9")

    keys = limiter_cache.cache_guard().run(lambda redis: b" ".join(redis.scan_iter(f"{own_prefix()}*"))).decode()
    assert "sign-in-pair" in keys
    assert [word for word in (EMAIL, "siti", "10.0.0.9") if word in keys] == []


def test_pauses_of_a_process_alone_are_the_same_as_in_redis() -> None:
    now = [0.0]
    pauses, schedule = LocalPauses(lambda: now[0]), Schedule(free=2, longest_seconds=60, remembered_seconds=900)
    tries = [pauses.count("a", schedule) for _ in range(3)]
    assert [(tried.wait_seconds, tried.began_pause) for tried in tries] == [(0, False), (0, True), (15, False)]

    pauses.take_back(tries[1])
    assert pauses.count("a", schedule).began_pause
    now[0] += 15
    assert pauses.count("a", schedule).wait_seconds == 0
    assert pauses.count("a", schedule).wait_seconds == 30
    now[0] += 30 + 900
    assert [pauses.count("a", schedule).began_pause for _ in range(2)] == [False, True]


def test_pauses_of_a_process_alone_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway_clients.edge.rate_limit.pauses.MAX_LOCAL_KEYS", 3)
    pauses = LocalPauses(lambda: 0.0)
    for number in range(10):
        pauses.count(str(number), Schedule(free=1, longest_seconds=60, remembered_seconds=900))

    assert len(pauses._kept) == 3


def test_of_many_tries_at_once_only_the_free_ones_are_made() -> None:
    key, schedule = uuid.uuid4().hex, Schedule(free=3, longest_seconds=60, remembered_seconds=900)
    with ThreadPoolExecutor(8) as threads:
        tries = list(threads.map(lambda _: count_try(key, schedule), range(24)))

    assert sum(tried.wait_seconds == 0 for tried in tries) == 3
    assert sum(tried.began_pause for tried in tries) == 1


def test_no_pause_is_longer_than_its_limit_where_redis_set_its_clock_back() -> None:
    key, schedule = uuid.uuid4().hex, Schedule(free=1, longest_seconds=60, remembered_seconds=900)
    default_connection().set(f"{key}:pause", 1, ex=3_600)

    waits = [count_try(key, schedule).wait_seconds for _ in range(2)]

    assert waits == [60, 60]
    assert 0 < default_connection().pttl(f"{key}:pause") <= 60_000


def test_a_device_is_known_for_the_account_and_the_password_it_signed_in_with(portal: Client, siti: Account) -> None:
    other = Account.objects.create_user("budi@example.com", PASSWORD, member_id="m-2")
    sign_in(portal, email=other.email)
    strangers_use_up_the_account()
    assert sign_in(portal, address="10.0.0.2").status_code == 429
    sign_in(portal, email=other.email)
    other.replace_password("another-good-password")
    for number in range(6):
        sign_in(Client(), "wrong", address=f"10.7.7.{number}", email=other.email)

    assert sign_in(portal, "another-good-password", address="10.0.0.5", email=other.email).status_code == 429


@pytest.mark.parametrize("change", [lambda value: value[:-1] + "x", lambda _: "", lambda _: "e30:x:y"])
def test_a_cookie_that_was_changed_is_that_of_no_device(portal: Client, siti: Account, change: Any) -> None:
    sign_in(portal)
    portal.cookies[PLAIN_NAME] = change(portal.cookies[PLAIN_NAME].value)
    strangers_use_up_the_account()

    assert sign_in(portal, address="10.0.0.2").status_code == 429


def test_the_cookie_is_bound_to_host_and_tls_and_says_nothing(portal: Client, siti: Account, settings: Any) -> None:
    settings.ENVIRONMENT = "production"
    cookie = sign_in(portal).cookies[SECURE_NAME]

    assert {name: cookie[name] for name in ("path", "httponly", "samesite", "secure", "domain", "max-age")} == {
        "path": "/",
        "httponly": True,
        "samesite": "Strict",
        "secure": True,
        "domain": "",
        "max-age": YEAR_SECONDS,
    }
    assert EMAIL not in cookie.value


def test_a_device_is_the_same_whoever_signs_in_from_it(portal: Client, siti: Account) -> None:
    other = Account.objects.create_user("budi@example.com", PASSWORD, member_id="m-2")
    sign_in(portal)
    assert sign_in(portal, "wrong").status_code == 401
    sign_in(portal, email=other.email)

    assert sign_in(portal, "wrong", address="10.0.0.2").status_code == 429


def test_what_nobody_could_look_at_counts_for_nothing(
    portal: Client, siti: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OverloadedError

    with monkeypatch.context() as patch:
        patch.setattr(Account, "check_password", refuse)
        assert {sign_in(portal).status_code for _ in range(4)} == {503}

    assert sign_in(portal).status_code == 200


def test_a_right_password_counts_for_nothing_where_the_new_one_is_too_weak(portal: Client, siti: Account) -> None:
    token = sign_in(portal).json()["access_token"]

    def change(current: str) -> int:
        given = {"current_password": current, "new_password": "siti@example.com"}
        headers = {"Authorization": f"Bearer {token}"}
        answer = Client().post("/api/v1/auth/password", given, "application/json", headers=headers)
        return int(answer.status_code)

    assert [change(PASSWORD) for _ in range(4)] == [400] * 4
    assert [change("wrong") for _ in range(2)] == [400, 429]
