"""An account is told of a sign-in with a user agent that is new to it, and of a new password."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from gateway_clients.models import OutboxMessage
from members import token_families, user_agents
from members.device import Device
from members.models import Account, BrowserSession, TokenFamily, UserAgent

pytestmark = pytest.mark.django_db

PASSWORD = "a-good-password"
EMAIL = "siti@example.com"
LOGIN = "/api/v1/auth/login"
PHONE, LAPTOP = "Phone/1.0", "Laptop/1.0"


@pytest.fixture
def siti() -> Account:
    return Account.objects.create_user(EMAIL, PASSWORD, member_id="m-1", name="Siti Rahayu")


def told() -> list[Any]:
    """What waits for the worker, in its order."""
    return list(OutboxMessage.objects.filter(kind="notification.send").order_by("pk").values_list("payload", flat=True))


def notice(type: str, account: Account) -> dict[str, Any]:
    return {"type": type, "user_id": str(account.pk), "channel": ["email", "push"]}


def sign_in(portal: Client, user_agent: str = PHONE, password: str = PASSWORD, **more: str) -> Any:
    body = {"email": EMAIL, "password": password, **more}
    return portal.post(LOGIN, body, "application/json", headers={"User-Agent": user_agent})


def by_graphql(portal: Client) -> None:
    query = f'mutation {{ login(email: "{EMAIL}", password: "{PASSWORD}") {{ expiresIn }} }}'
    answer = portal.post("/graphql", {"query": query}, "application/json", headers={"User-Agent": PHONE})
    assert "errors" not in answer.json()


def by_console(portal: Client) -> None:
    form = {"username": EMAIL, "password": PASSWORD}
    assert portal.post("/admin/login/", form, headers={"User-Agent": PHONE}).status_code == 302


@pytest.mark.parametrize(
    "way_in", [sign_in, lambda portal: sign_in(portal, session="cookie"), by_graphql, by_console],
    ids=["tokens", "session", "graphql", "console"],
)  # fmt: skip
def test_every_way_in_tells_of_a_new_user_agent_once(portal: Client, siti: Account, way_in: Any) -> None:
    Account.objects.filter(pk=siti.pk).update(is_staff=True)

    for _ in range(2):
        way_in(portal)

    assert told() == [notice("new_device_sign_in", siti)]


def test_each_user_agent_is_told_and_a_wrong_password_tells_nothing(portal: Client, siti: Account) -> None:
    sign_in(portal, PHONE)
    sign_in(portal, LAPTOP)
    sign_in(portal, "Stranger/1.0", "wrong")

    assert told() == [notice("new_device_sign_in", siti)] * 2


@pytest.mark.parametrize(("days", "is_told"), [(89, False), (90, True)])
def test_a_user_agent_is_new_again_after_90_days_without_use(
    portal: Client, siti: Account, days: int, is_told: bool
) -> None:
    sign_in(portal)
    OutboxMessage.objects.all().delete()
    UserAgent.objects.update(last_used_at=timezone.now() - timedelta(days=days))

    sign_in(portal)

    assert told() == [notice("new_device_sign_in", siti)] * is_told
    assert UserAgent.objects.get().last_used_at > timezone.now() - timedelta(minutes=1)


def test_who_stays_signed_in_uses_the_user_agent(siti: Account) -> None:
    user_agents.note_sign_in(siti, PHONE)
    UserAgent.objects.update(last_used_at=timezone.now() - timedelta(days=89))

    token_families.rotate(token_families.begin(siti, Device("10.0.0.1", PHONE)).refresh)

    assert UserAgent.objects.get().last_used_at > timezone.now() - timedelta(minutes=1)


@pytest.mark.parametrize("more", [{}, {"session": "cookie"}], ids=["tokens", "session"])
def test_nobody_is_signed_in_whose_notice_cannot_be_kept(
    portal: Client, siti: Account, monkeypatch: pytest.MonkeyPatch, more: dict[str, str]
) -> None:
    def fail(*_: Any) -> None:
        raise DatabaseError

    monkeypatch.setattr("members.user_agents.publisher.put", fail)
    portal.raise_request_exception = False

    assert sign_in(portal, **more).status_code == 500
    assert (TokenFamily.objects.count(), BrowserSession.objects.count(), UserAgent.objects.count()) == (0, 0, 0)


def test_a_changed_password_is_told_whoever_changes_it(portal: Client, siti: Account) -> None:
    pair = token_families.begin(siti)
    body = {"current_password": PASSWORD, "new_password": "another-good-password"}
    headers = {"Authorization": f"Bearer {pair.access}"}
    assert portal.post("/api/v1/auth/password", body, "application/json", headers=headers).status_code == 204
    assert told() == [notice("password_changed", siti)]

    set_by_staff = Account.objects.get(pk=siti.pk)
    set_by_staff.set_password("a-third-good-password")
    set_by_staff.save()
    assert told() == [notice("password_changed", siti)] * 2


def test_neither_a_new_account_nor_a_wrong_password_nor_a_new_name_is_a_change(portal: Client, siti: Account) -> None:
    pair = token_families.begin(siti)
    body = {"current_password": "wrong", "new_password": "another-good-password"}
    headers = {"Authorization": f"Bearer {pair.access}"}
    assert portal.post("/api/v1/auth/password", body, "application/json", headers=headers).status_code == 400
    siti.name = "Siti R."
    siti.save()

    assert told() == []


def test_a_password_that_is_taken_back_is_not_told(siti: Account) -> None:
    with transaction.atomic():
        siti.replace_password("another-good-password")
        transaction.set_rollback(True)

    assert told() == []
    assert Account.objects.get(pk=siti.pk).check_password(PASSWORD)


def test_nothing_that_is_kept_or_told_names_a_person_or_a_device(portal: Client, siti: Account) -> None:
    sign_in(portal)

    kept = f"{told()} {list(UserAgent.objects.values())}"
    assert [word for word in (EMAIL, "Siti", PHONE, "m-1") if word in kept] == []
