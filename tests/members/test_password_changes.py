"""Passwords that are changed while something else is done with the account: each interleaving forced."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from members.models import Account, accounts

pytestmark = pytest.mark.django_db

PASSWORD, OTHER, THIRD = "a-good-password", "quite-another-one", "yet-something-else"
ARGON2 = "members.hashers.AccountPasswordHasher"


@pytest.fixture
def siti() -> Account:
    """A member, and the first superuser."""
    return Account.objects.create_superuser("siti@example.com", PASSWORD, member_id="m-1")


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Has something done when the next password is hashed: after the old one was looked at, before it is written."""

    def do(something: Callable[[], Any]) -> None:
        def hashing(password: str | None, *args: Any, **more: Any) -> str:
            monkeypatch.setattr(accounts, "make_password", make_password)
            something()
            return make_password(password, *args, **more)

        monkeypatch.setattr(accounts, "make_password", hashing)

    return do


@pytest.fixture
def kept_in_an_old_way(siti: Account, settings: Any) -> None:
    """The next sign-in keeps the password anew."""
    settings.PASSWORD_HASHERS = [ARGON2, *settings.PASSWORD_HASHERS]


def _sign_in(portal: Client, password: str) -> Any:
    return portal.post(
        "/api/v1/auth/login", {"email": "siti@example.com", "password": password}, content_type="application/json"
    )


def _change(portal: Client, token: str, current: str, new: str) -> Any:
    return portal.post(
        "/api/v1/auth/password",
        {"current_password": current, "new_password": new},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def _me(portal: Client, token: str) -> int:
    return int(portal.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code)


def test_a_sign_in_that_keeps_a_password_anew_does_not_bring_it_back(
    portal: Client, kept_in_an_old_way: None, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    def change() -> None:
        account = Account.objects.get()
        account.set_password(OTHER)
        account.save()

    meanwhile(change)
    signed_in = _sign_in(portal, PASSWORD).json()

    assert (_sign_in(portal, PASSWORD).status_code, _sign_in(portal, OTHER).status_code) == (401, 200)
    assert _me(portal, signed_in["access_token"]) == 401


def test_a_change_goes_through_though_a_sign_in_keeps_the_old_password_anew(
    portal: Client, siti: Account, settings: Any, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    token = _sign_in(portal, PASSWORD).json()["access_token"]

    def keep_anew() -> None:
        Account.objects.update(password=make_password(PASSWORD))

    meanwhile(keep_anew)

    assert _change(portal, token, PASSWORD, OTHER).status_code == 204
    assert (_sign_in(portal, PASSWORD).status_code, _sign_in(portal, OTHER).status_code) == (401, 200)


def test_of_two_changes_side_by_side_the_second_knows_a_password_that_is_none_any_more(
    portal: Client, siti: Account, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    one, other = (_sign_in(portal, PASSWORD).json()["access_token"] for _ in range(2))
    between: list[str] = []

    def change_first() -> None:
        assert _change(portal, one, PASSWORD, OTHER).status_code == 204
        between.append(_sign_in(portal, OTHER).json()["access_token"])

    meanwhile(change_first)
    answer = _change(portal, other, PASSWORD, THIRD)

    assert (answer.status_code, answer.json()["errors"]) == (400, {"current_password": ["This is not the password."]})
    assert [_sign_in(portal, each).status_code for each in (PASSWORD, OTHER, THIRD)] == [401, 200, 401]
    assert [_me(portal, token) for token in (one, other, *between)] == [401, 401, 200]


def test_a_change_that_sign_ins_overtake_each_time_is_a_conflict_and_counts_as_no_wrong_try(
    portal: Client, siti: Account, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LOGIN_RATE_LIMIT_MAX = 2
    token = _sign_in(portal, PASSWORD).json()["access_token"]

    def hashing(password: str) -> str:
        Account.objects.update(password=make_password(PASSWORD))
        return make_password(password)

    with monkeypatch.context() as patch:
        patch.setattr(accounts, "make_password", hashing)
        answers = [_change(portal, token, PASSWORD, OTHER) for _ in range(4)]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [(409, "conflict")] * 4
    assert "errors" not in answers[0].json()
    assert _change(portal, token, PASSWORD, OTHER).status_code == 204


def test_a_password_that_staff_set_signs_out_what_began_meanwhile(portal: Client, siti: Account) -> None:
    held = Account.objects.get()
    token = _sign_in(portal, PASSWORD).json()["access_token"]
    assert _change(portal, token, PASSWORD, OTHER).status_code == 204
    between = _sign_in(portal, OTHER).json()["access_token"]

    held.set_password(THIRD)
    held.save()

    assert [_sign_in(portal, each).status_code for each in (PASSWORD, OTHER, THIRD)] == [401, 401, 200]
    assert _me(portal, between) == 401


@pytest.mark.parametrize("fields", [None, ["name"], ["name", "password", "token_epoch"]])
def test_who_changes_something_else_brings_no_password_back(
    portal: Client, siti: Account, fields: list[str] | None
) -> None:
    held = Account.objects.get()
    token = _sign_in(portal, PASSWORD).json()["access_token"]
    assert _change(portal, token, PASSWORD, OTHER).status_code == 204
    between = _sign_in(portal, OTHER).json()["access_token"]

    held.name = "Siti R."
    held.save(update_fields=fields)

    assert (_sign_in(portal, PASSWORD).status_code, _sign_in(portal, OTHER).status_code) == (401, 200)
    assert _me(portal, between) == 200
    assert Account.objects.get().name == "Siti R."


def test_a_password_that_is_taken_away_signs_out_everywhere(portal: Client, siti: Account) -> None:
    token = _sign_in(portal, PASSWORD).json()["access_token"]
    held = Account.objects.get()

    held.set_unusable_password()
    held.save()

    assert (_me(portal, token), _sign_in(portal, PASSWORD).status_code) == (401, 401)


def test_an_account_goes_on_after_its_password_was_set(portal: Client, siti: Account) -> None:
    for password in (OTHER, THIRD):
        siti.set_password(password)
        siti.save()
        siti.name += "!"
        siti.save()

    found = Account.objects.get()
    assert (found.check_password(THIRD), found.name, found.token_epoch) == (True, "!!", siti.token_epoch)
    assert Account.objects.only("name").get().check_password(THIRD)


def test_staff_stay_signed_in_though_their_password_is_kept_anew(portal: Client, kept_in_an_old_way: None) -> None:
    answer = portal.post("/admin/login/?next=/admin/", {"username": "siti@example.com", "password": PASSWORD})

    assert answer.status_code == 302
    assert Account.objects.get().password.startswith("argon2")
    assert portal.get("/admin/").status_code == 200


def test_an_account_that_is_gone_is_401(
    portal: Client, siti: Account, meanwhile: Callable[[Callable[[], Any]], None]
) -> None:
    token = _sign_in(portal, PASSWORD).json()["access_token"]
    meanwhile(lambda: Account.objects.all().delete())

    answer = _change(portal, token, PASSWORD, OTHER)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
