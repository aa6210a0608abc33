"""Accounts: from the command line, in Django admin, and for the demo."""

from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from gateway_clients.edge.access.resources import Resource, Scope, scope_of
from members import token_families
from members.demo import DEMO_ACCOUNTS
from members.models import Account

pytestmark = pytest.mark.django_db


def test_create_account_makes_an_account_with_its_roles() -> None:
    out = StringIO()
    call_command(
        "create_account",
        *("Dr@Example.com", "--password", "some-password", "--name", "Dr. Who"),
        *("--role", "member", "--member-id", "m-9", "--role", "provider", "--provider-id", "prov-9", "--role", "admin"),
        stdout=out,
    )
    account = Account.objects.get(email="dr@example.com")

    assert account.roles == {"member", "provider", "admin"}
    assert (account.member_id, account.provider_id, account.name, account.is_staff) == (
        "m-9",
        "prov-9",
        "Dr. Who",
        False,
    )
    assert account.check_password("some-password")
    assert "some-password" not in out.getvalue()


def test_create_account_makes_staff_who_may_use_admin(portal: Client) -> None:
    call_command("create_account", "staff@example.com", "--password", "some-password", "--staff", stdout=StringIO())

    assert portal.login(username="staff@example.com", password="some-password")
    assert portal.get("/admin/members/account/").status_code == 200
    assert portal.get("/admin/members/account/add/").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a@example.com", "--password", "x", "--role", "member"], "--role member needs --member-id"),
        (["a@example.com", "--password", "x", "--role", "provider"], "--role provider needs --provider-id"),
        (["a@example.com", "--password", "x", "--member-id", "m-1"], "--member-id needs --role member"),
        (["a@example.com", "--password", "x"], "The account could do nothing: give it a --role or --staff"),
        (["a@example.com", "--password", "", "--staff"], "--password must not be empty"),
        (["nonsense", "--password", "x", "--staff"], "email: Enter a valid email address."),
        (["TAKEN@example.com", "--password", "x", "--staff"], "email: This e-mail has an account already."),
        (
            ["a@example.com", "--password", "x", "--role", "member", "--member-id", "m 1"],
            "member_id: Must be 1 to 64 letters, digits, _ or -.",
        ),
    ],
)
def test_create_account_says_what_is_wrong(arguments: list[str], message: str) -> None:
    Account.objects.create_user("taken@example.com", "x")
    with pytest.raises(CommandError) as error:
        call_command("create_account", *arguments)

    assert message in str(error.value)
    assert Account.objects.count() == 1


TOO_SHORT = "This password is too short. It must contain at least 12 characters."
TOO_LONG = "This password is too long. It must contain at most 1024 characters."
WEAK = {
    "eleven-char": TOO_SHORT,
    "sandi-8x": TOO_SHORT,
    " " * 12: TOO_SHORT,
    "\u00a0\u3000" * 6: TOO_SHORT,
    "\u200b" * 12: TOO_SHORT,
    "     sandi      ": TOO_SHORT,
    "a              b": TOO_SHORT,
    "long-and-good" * 79: TOO_LONG,
    "password1234": "This password is too common.",
}


@pytest.mark.parametrize(("password", "message"), WEAK.items())
def test_a_weak_password_is_refused_wherever_one_is_set(
    password: str, message: str, portal: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("create_account", "new@example.com", "--password", password, "--staff")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
    with pytest.raises(CommandError, match=message):
        call_command("createsuperuser", "--noinput", "--email", "new@example.com")
    assert not Account.objects.exists()

    member = Account.objects.create_user("member@example.com", "some-password")
    change = {"current_password": "some-password", "new_password": password}
    headers = {"Authorization": f"Bearer {token_families.begin(member).access}"}
    answer = portal.post("/api/v1/auth/password", change, "application/json", headers=headers)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["new_password"])

    portal.force_login(Account.objects.create_superuser("root@example.com", "some-password"))
    form = {"password1": password, "password2": password}
    own = {"old_password": "some-password", "new_password1": password, "new_password2": password}
    for path, fields in (
        ("members/account/add/", {"email": "new@example.com", **form}),
        (f"members/account/{member.pk}/password/", form),
        ("password_change/", own),
    ):
        answer = portal.post(f"/admin/{path}", fields)
        assert (answer.status_code, message in answer.content.decode()) == (200, True), path
    assert [account.check_password("some-password") for account in Account.objects.all()] == [True, True]


@pytest.mark.parametrize(("password", "what"), [("siti@example.com", "e-mail"), ("siti-rahayu-1", "name")])
def test_a_password_like_the_e_mail_or_the_name_is_refused(password: str, what: str) -> None:
    with pytest.raises(CommandError, match=f"too similar to the {what}"):
        call_command("create_account", "siti@example.com", "--password", password, "--name", "Siti Rahayu", "--staff")
    assert not Account.objects.exists()


@pytest.mark.parametrize("password", ["just-twelve-", "kata sandi ku", "\u00e9" * 4 + "-sandi-7", "x9" * 512])
def test_a_password_of_12_characters_is_taken(password: str) -> None:
    call_command("create_account", "new@example.com", "--password", password, "--staff", stdout=StringIO())

    assert Account.objects.get().check_password(password)


def test_an_e_mail_has_one_account_in_any_case() -> None:
    Account.objects.create_user("a@example.com", "x")

    with pytest.raises(ValidationError):
        Account.objects.create_user("A@EXAMPLE.COM", "x")
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.bulk_create([Account(email="A@example.com")])


def test_the_access_rules_see_an_account() -> None:
    account = Account.objects.create_user("a@example.com", "x", member_id="m-1")

    assert scope_of(account, Resource.MEMBER_DATA, member_id="m-1") == Scope(member_id="m-1")


def test_ids_that_are_empty_are_no_ids() -> None:
    account = Account.objects.create_user("a@example.com", "x", member_id="", provider_id="")

    assert (account.member_id, account.provider_id, account.roles) == (None, None, frozenset())


def test_the_demo_accounts_sign_in_as_what_they_are_told_to_be(portal: Client) -> None:
    for _ in range(2):
        call_command("load_demo_accounts", stdout=StringIO())

    assert Account.objects.count() == len(DEMO_ACCOUNTS) == 5
    for demo in DEMO_ACCOUNTS:
        answer = portal.post("/api/v1/auth/login", {"email": demo.email, "password": demo.password}, "application/json")
        user = answer.json()["user"]
        assert (tuple(user["roles"]), user["member_id"], user["provider_id"]) == (
            demo.roles,
            demo.member_id,
            demo.provider_id,
        )


def test_loading_the_demo_again_signs_nobody_out(portal: Client) -> None:
    call_command("load_demo_accounts", stdout=StringIO())
    body = {"email": DEMO_ACCOUNTS[0].email, "password": DEMO_ACCOUNTS[0].password}
    token = portal.post("/api/v1/auth/login", body, "application/json").json()["access_token"]
    call_command("load_demo_accounts", stdout=StringIO())

    assert portal.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_demo_accounts_are_refused_in_production(settings: Any) -> None:
    settings.ENVIRONMENT = "production"
    with pytest.raises(CommandError):
        call_command("load_demo_accounts")

    assert Account.objects.count() == 0


def test_who_is_saved_brings_nothing_back_that_was_taken_away_meanwhile() -> None:
    account = Account.objects.create_user("siti@example.com", "a-good-password", is_staff=True, is_admin=True)
    before = Account.objects.get(pk=account.pk)
    Account.objects.filter(pk=account.pk).update(is_active=False, is_staff=False, is_admin=False)

    before.name = "Siti Rahayu"
    before.set_password("another-good-password")
    before.save()

    now = Account.objects.get(pk=account.pk)
    assert (now.is_active, now.is_staff, now.is_admin) == (False, False, False)
    assert (now.name, now.check_password("another-good-password")) == ("Siti Rahayu", True)
