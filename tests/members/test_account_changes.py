"""What of an account is told to every process, and what a signed-in request asks of the database."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway_clients.caching.store import cluster
from members import account_changes, sign_in_sessions
from members.authentication import living_caller
from members.models import Account, TokenFamily

pytestmark = pytest.mark.django_db

PASSWORD = "a-good-password"


@pytest.fixture
def account() -> Account:
    return Account.objects.create_user("told@example.com", PASSWORD, member_id="m-1")


@pytest.fixture
def family(account: Account) -> TokenFamily:
    return TokenFamily.objects.create(
        account=account, epoch=account.token_epoch, current="x", expires_at=timezone.now() + timedelta(days=1)
    )


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, family: TokenFamily) -> list[str]:
    """The tags that were told; what is done in the transaction of a test counts as committed."""
    tags: list[str] = []
    monkeypatch.setattr(account_changes, "_tell_behind_commit", tags.append)
    return tags


def saved(account: Account, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(account, name, value)
    account.save()


OF_THE_ACCOUNT: dict[str, Callable[[Account, TokenFamily], object]] = {
    "disabled": lambda account, _: saved(account, is_active=False),
    "role taken away": lambda account, _: saved(account, member_id=None),
    "password replaced": lambda account, _: account.replace_password("another-good-password-1"),
    "deleted": lambda account, _: account.delete(),
}
OF_THE_FAMILY: dict[str, Callable[[Account, TokenFamily], object]] = {
    "one session ended": lambda account, family: sign_in_sessions.end_one(account, family.pk),
    "all sessions ended but another": lambda account, _: sign_in_sessions.end_others(account, uuid.uuid4()),
    "all sessions ended by staff": lambda account, _: sign_in_sessions.end_others(account, None),
    "family deleted": lambda _, family: family.delete(),
}


@pytest.mark.parametrize("change", OF_THE_ACCOUNT.values(), ids=OF_THE_ACCOUNT)
def test_what_changes_an_account_is_told(
    account: Account, family: TokenFamily, told: list[str], change: Callable[[Account, TokenFamily], object]
) -> None:
    tag = f"account:{account.pk}"
    change(account, family)

    assert tag in told


@pytest.mark.parametrize("change", OF_THE_FAMILY.values(), ids=OF_THE_FAMILY)
def test_what_ends_a_family_is_told(
    account: Account, family: TokenFamily, told: list[str], change: Callable[[Account, TokenFamily], object]
) -> None:
    tag = f"family:{family.pk}"
    change(account, family)

    assert tag in told


def test_what_changes_nothing_for_others_is_not_told(account: Account, told: list[str]) -> None:
    account.last_login = timezone.now()
    account.save(update_fields=["last_login"])
    Account.objects.create_user("new@example.com", PASSWORD)

    assert told == []


def test_an_account_that_was_looked_up_is_not_looked_up_again(family: TokenFamily, leased: None) -> None:
    first = living_caller(family.pk)
    TokenFamily.objects.filter(pk=family.pk).update(revoked_at=timezone.now())

    assert first is not None
    assert living_caller(family.pk) is first
    cluster().near.drop([f"family:{family.pk}"])
    assert living_caller(family.pk) is None


def test_without_a_lease_it_is_looked_up_each_time(family: TokenFamily) -> None:
    assert living_caller(family.pk) is not None
    TokenFamily.objects.filter(pk=family.pk).update(revoked_at=timezone.now())

    assert living_caller(family.pk) is None


def test_an_account_changed_while_it_was_looked_up_is_not_kept(
    account: Account, family: TokenFamily, leased: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from members import authentication

    look_up = authentication._row

    def changed_meanwhile(*args: Any) -> Any:
        row = look_up(*args)
        cluster().near.drop([f"account:{account.pk}"])
        return row

    monkeypatch.setattr(authentication, "_row", changed_meanwhile)

    assert living_caller(family.pk) is not None
    assert cluster().near.get(f"family:{family.pk}") is None


def test_nobody_is_kept_who_is_unknown(leased: None) -> None:
    unknown = uuid.uuid4()

    assert living_caller(unknown) is None
    assert cluster().near.get(f"family:{unknown}") is None
