"""A wrong password, an unknown e-mail and a disabled account cost the same work, however a password is kept."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import pytest
from django.contrib.auth import hashers as django_hashers
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password
from django.test import Client

from members.hashers import EarlierPasswordHasher
from members.models import Account
from members.password_checks import DEAREST, HASHERS_IN_USE, LOOK_SECONDS, HashersInUse
from tests.members.calls import PASSWORD, sign_in

pytestmark = pytest.mark.django_db

ITERATIONS: Final = 20


@pytest.fixture(autouse=True)
def _both_hashers(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PASSWORD_HASHERS = ["members.hashers.AccountPasswordHasher", "members.hashers.EarlierPasswordHasher"]
    monkeypatch.setattr(EarlierPasswordHasher, "iterations", ITERATIONS)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How much was hashed: passes of Argon2, and iterations of PBKDF2."""
    counted: Counter[str] = Counter()
    pbkdf2 = django_hashers.pbkdf2

    def count_iterations(password: str, salt: str, iterations: int, **more: Any) -> bytes:
        counted["pbkdf2"] += iterations
        return pbkdf2(password, salt, iterations, **more)

    monkeypatch.setattr(django_hashers, "pbkdf2", count_iterations)
    for name in ("encode", "verify"):
        monkeypatch.setattr(Argon2PasswordHasher, name, _counting(counted, getattr(Argon2PasswordHasher, name)))
    return counted


def _counting(counted: Counter[str], hashing: Any) -> Any:
    def count(*arguments: str) -> Any:
        counted["argon2"] += 1
        return hashing(*arguments)

    return count


def keep(email: str, password: str, **fields: Any) -> None:
    """Makes an account with what is kept of its password, as it came from elsewhere."""
    account = Account.objects.create_user(email, None, **fields)
    Account.objects.filter(pk=account.pk).update(password=password)


def imported(iterations: int) -> str:
    return EarlierPasswordHasher().encode(PASSWORD, "salt" * 6, iterations)


def sign_in_as_staff(client: Client, email: str, password: str) -> None:
    answer = client.post("/admin/login/", {"username": email, "password": password})
    assert "Please enter the correct e-mail and password" in answer.content.decode()


@pytest.fixture
def _accounts() -> None:
    own = make_password(PASSWORD)
    keep("own@example.com", own)
    keep("few@example.com", imported(ITERATIONS // 4))
    keep("all@example.com", imported(ITERATIONS))
    keep("none@example.com", "!")
    keep("foreign@example.com", "bcrypt$$2b$12$abc")
    keep("off@example.com", own, is_active=False)
    keep("off-few@example.com", imported(ITERATIONS // 4), is_active=False)
    HASHERS_IN_USE.forget()


@pytest.mark.usefixtures("_accounts")
@pytest.mark.parametrize("try_at", [sign_in, sign_in_as_staff])
@pytest.mark.parametrize(
    ("who", "password"),
    [
        ("nobody", PASSWORD),
        ("own", "wrong"),
        ("few", "wrong"),
        ("all", "wrong"),
        ("none", PASSWORD),
        ("foreign", PASSWORD),
        ("off", PASSWORD),
        ("off", "wrong"),
        ("off-few", PASSWORD),
        ("off-few", "wrong"),
    ],
)
def test_every_sign_in_that_fails_costs_the_same(
    portal: Client, work: Counter[str], try_at: Callable[..., Any], who: str, password: str
) -> None:
    try_at(portal, f"{who}@example.com", password)

    assert work == {"argon2": 1, "pbkdf2": ITERATIONS}


def test_without_imported_passwords_it_costs_one_hash(portal: Client, siti: Account, work: Counter[str]) -> None:
    for email in ("nobody@example.com", siti.email):
        work.clear()
        assert sign_in(portal, email, "wrong").status_code == 401
        assert work == {"argon2": 1}, email


@pytest.mark.usefixtures("_accounts")
@pytest.mark.parametrize(
    ("most", "cost"),
    [(ITERATIONS + 7, ITERATIONS + 7), (DEAREST * ITERATIONS, DEAREST * ITERATIONS), (10**9, DEAREST * ITERATIONS)],
)
@pytest.mark.parametrize("who", ["nobody", "own", "few", "all", "none", "off-few"])
def test_an_imported_password_with_more_iterations_is_what_all_cost_up_to_a_limit(
    portal: Client, work: Counter[str], most: int, cost: int, who: str
) -> None:
    keep("more@example.com", f"pbkdf2_sha256${most}$salt$hash")
    keep("odd@example.com", "pbkdf2_sha256$odd$salt$hash")
    keep("bare@example.com", "pbkdf2_sha256$")
    HASHERS_IN_USE.forget()

    sign_in(portal, f"{who}@example.com", "wrong")

    assert work == {"argon2": 1, "pbkdf2": cost}


@pytest.mark.usefixtures("_accounts")
@pytest.mark.parametrize("kept", ["pbkdf2_sha256$", "pbkdf2_sha256$odd$salt$hash", "argon2$", "argon2$argon2id$v=19$x"])
@pytest.mark.parametrize("try_at", [sign_in, sign_in_as_staff])
def test_what_is_no_hash_is_nobodys_password_and_costs_the_same(
    portal: Client, work: Counter[str], kept: str, try_at: Callable[..., Any]
) -> None:
    keep("odd@example.com", kept)
    HASHERS_IN_USE.forget()

    try_at(portal, "odd@example.com", PASSWORD)

    assert work == {"argon2": 1, "pbkdf2": ITERATIONS}


@pytest.mark.usefixtures("_accounts")
def test_one_with_more_iterations_costs_what_the_others_cost(portal: Client, work: Counter[str]) -> None:
    keep("more@example.com", imported(ITERATIONS + 7))
    HASHERS_IN_USE.forget()
    work.clear()

    assert sign_in(portal, "more@example.com", "wrong").status_code == 401
    assert work == {"argon2": 1, "pbkdf2": ITERATIONS + 7}


@pytest.mark.usefixtures("_accounts")
def test_a_right_password_costs_what_it_needs_and_is_kept_anew(portal: Client, work: Counter[str]) -> None:
    assert sign_in(portal, "few@example.com").status_code == 200
    assert work == {"argon2": 1, "pbkdf2": ITERATIONS // 4}
    work.clear()
    assert sign_in(portal, "few@example.com").status_code == 200
    assert work == {"argon2": 1}


def test_the_database_is_asked_once_a_minute(django_assert_num_queries: Any) -> None:
    now = [0.0]
    in_use = HashersInUse(lambda: now[0])

    def found() -> list[str]:
        return [each.algorithm for each in in_use.find()]

    with django_assert_num_queries(1):
        assert (found(), found()) == (["argon2"], ["argon2"])
    keep("few@example.com", imported(1))
    assert found() == ["argon2"]
    now[0] = LOOK_SECONDS
    with django_assert_num_queries(1):
        assert found() == ["argon2", "pbkdf2_sha256"]
