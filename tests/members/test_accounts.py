"""Accounts: from the command line, in Django admin, and for the demo."""

from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from gateway_clients.edge.access import Resource, Scope, scope_of
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
