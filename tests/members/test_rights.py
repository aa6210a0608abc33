"""Rights on staff's pages: given by superusers alone, whatever else staff may do there."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client

from members.models import Account

pytestmark = pytest.mark.django_db

PAGE = "/admin/members/account/"
PASSWORD = "a-good-password"
NEW = {"password1": "quite-another-one", "password2": "quite-another-one"}
RIGHTS = {
    "member_id": "m-1",
    "provider_id": "p-1",
    "is_admin": "on",
    "is_staff": "on",
    "is_superuser": "on",
}
HIGHER = {"superuser": {"is_superuser": True}, "staff": {"is_staff": True}, "admin": {"is_admin": True}}


def rights_of(account: Account) -> tuple[Any, ...]:
    """What the account may."""
    found = Account.objects.get(pk=account.pk)
    groups, permissions = found.groups.count(), found.user_permissions.count()
    return (*(getattr(found, name) for name in RIGHTS), groups, permissions)


@pytest.fixture
def support() -> Account:
    """Staff who have every permission that there is, and are no superuser."""
    account = Account.objects.create_user("support@example.com", PASSWORD, is_staff=True)
    account.user_permissions.set(Permission.objects.all())
    return account


@pytest.fixture
def as_support(portal: Client, support: Account) -> Client:
    portal.force_login(support)
    return portal


@pytest.fixture
def everything() -> dict[str, Any]:
    """The form of an account, with all rights."""
    group = Group.objects.create(name="all")
    return {
        **RIGHTS,
        "email": "changed@example.com",
        "name": "Changed",
        "is_active": "on",
        "groups": [group.pk],
        "user_permissions": [Permission.objects.all()[0].pk],
    }


@pytest.mark.parametrize("whose", ["their own", "a member's"])
def test_staff_change_names_and_give_no_rights(
    as_support: Client, support: Account, everything: dict[str, Any], whose: str
) -> None:
    member = Account.objects.create_user("m@example.com", PASSWORD, member_id="m-9")
    account = support if whose == "their own" else member
    before = rights_of(account)

    answer = as_support.post(f"{PAGE}{account.pk}/change/", everything)

    assert answer.status_code == 302
    assert rights_of(account) == before
    assert Account.objects.get(pk=account.pk).name == "Changed"


def test_staff_make_accounts_without_rights(as_support: Client, everything: dict[str, Any]) -> None:
    answer = as_support.post(f"{PAGE}add/", everything | NEW)

    assert answer.status_code == 302
    assert rights_of(Account.objects.get(email="changed@example.com")) == (None, None, False, False, False, 0, 0)


@pytest.mark.parametrize("fields", HIGHER.values(), ids=HIGHER)
def test_staff_cannot_take_over_an_account_with_more_rights(
    as_support: Client, everything: dict[str, Any], fields: dict[str, bool]
) -> None:
    account = Account.objects.create_user("high@example.com", PASSWORD, **fields)

    answers = [
        as_support.post(f"{PAGE}{account.pk}/change/", everything),
        as_support.post(f"{PAGE}{account.pk}/password/", NEW),
        as_support.post(f"{PAGE}{account.pk}/password/", {"unset-password": "on", "usable_password": "false"}),
        as_support.post(f"{PAGE}{account.pk}/delete/", {"post": "yes"}),
    ]
    selected = {"action": "delete_selected", "_selected_action": [account.pk], "post": "yes"}
    as_support.post(PAGE, selected)

    assert [answer.status_code for answer in answers] == [403] * 4
    found = Account.objects.get(pk=account.pk)
    assert (found.email, found.name, found.is_active) == ("high@example.com", "", True)
    assert found.check_password(PASSWORD)


def test_staff_set_a_members_password(as_support: Client) -> None:
    member = Account.objects.create_user("m@example.com", PASSWORD, member_id="m-9")

    assert as_support.post(f"{PAGE}{member.pk}/password/", NEW).status_code == 302
    assert Account.objects.get(pk=member.pk).check_password(NEW["password1"])


def test_groups_are_for_superusers(as_support: Client, support: Account) -> None:
    group = Group.objects.create(name="support")
    support.groups.add(group)
    form = {"name": "changed", "permissions": [Permission.objects.all()[0].pk]}

    answers = [
        as_support.post("/admin/auth/group/add/", form),
        as_support.post(f"/admin/auth/group/{group.pk}/change/", form),
        as_support.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert (Group.objects.get(pk=group.pk).name, group.permissions.count()) == ("support", 0)


def test_superusers_give_rights(portal: Client, everything: dict[str, Any]) -> None:
    portal.force_login(Account.objects.create_superuser("root@example.com", PASSWORD))
    other = Account.objects.create_superuser("other@example.com", PASSWORD)

    assert portal.post(f"{PAGE}{other.pk}/change/", everything).status_code == 302
    assert rights_of(other) == ("m-1", "p-1", True, True, True, 1, 1)
    assert portal.post(f"{PAGE}{other.pk}/password/", NEW).status_code == 302
    assert portal.post("/admin/auth/group/add/", {"name": "new"}).status_code == 302


def test_every_page_of_staff_was_looked_at_here() -> None:
    pages = {model._meta.label for model in admin.site._registry}

    assert pages == {
        *("members.Account", "auth.Group"),
        *("claims.Submission", "gateway_clients.OutboxMessage"),
        *("console.Breaker", "console.CacheEntry", "console.Upstream", "console.GameDay"),
        *("console.Overview", "console.Explanation", "console.ContractDrift"),
        *("admin.LogEntry", "gateway_clients.AuditEntry"),
    }
