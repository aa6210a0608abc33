"""Levers on accounts and submissions: after a reason, by those who may, written down, no further than they reach."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from claims.models import Operation, State, Submission
from claims.submissions import repository
from claims.submissions.messages import SETTLE, about
from gateway_clients.models import AuditEntry, OutboxMessage
from members import token_families
from members.models import Account, TokenFamily
from tests.gateway_clients.console.conftest import PASSWORD
from tests.gateway_clients.console.reading import text_of
from tests.support.answering import REFUSED, AnsweringUpstreams, upstreams

__all__ = ["upstreams"]

ACCOUNTS, SUBMISSIONS = "/admin/members/account/", "/admin/claims/submission/"
OUTBOX = "/admin/gateway_clients/outboxmessage/"
CLAIM = {
    "id": "c-9",
    "claim_number": "CLM-9",
    "member_id": "m-1",
    "status": "submitted",
    "service_date": "2026-01-02",
    "total_amount": 150_000,
}


@pytest.fixture
def member(db: None) -> Account:
    account = Account.objects.create_user("siti@example.com", PASSWORD, member_id="m-1")
    token_families.begin(account)
    return account


@pytest.fixture
def steerer(db: None) -> Client:
    account = Account.objects.create_user("steerer@example.com", PASSWORD, is_staff=True)
    account.groups.add(Group.objects.get(name="Gateway: steer"))
    client = Client()
    client.force_login(account)
    return client


@pytest.fixture
def unknown(db: None) -> Submission:
    now = timezone.now()
    row = Submission.objects.create(
        account_id="7",
        operation=Operation.SUBMIT,
        member_id="m-1",
        state=State.UNKNOWN,
        leased_until=now,
        expires_at=now + timedelta(hours=1),
        asked=b"",
        sent=b"",
    )
    OutboxMessage.objects.create(
        kind=SETTLE, about=about(row), parked_at=now, due_at=now + timedelta(days=1), trouble="Ask its owners."
    )
    return row


def act(client: Client, page: str, action: str, row: Any, **more: str) -> str:
    data = {"action": action, "_selected_action": [str(row.pk)], **more}
    return text_of(client.post(page, data, follow=True))


@pytest.mark.parametrize(
    ("action", "is_active", "living"), [("disable", False, 0), ("end_sessions", True, 0), ("enable", True, 1)]
)
def test_an_account_is_locked_after_a_reason(
    steerer: Client, member: Account, action: str, is_active: bool, living: int
) -> None:
    assert "give a reason" in act(steerer, ACCOUNTS, action, member)
    assert (Account.objects.get(pk=member.pk).is_active, TokenFamily.objects.filter(revoked_at=None).count()) == (
        True,
        1,
    )

    act(steerer, ACCOUNTS, action, member, reason="lost phone")
    assert Account.objects.get(pk=member.pk).is_active is is_active
    assert TokenFamily.objects.filter(revoked_at=None).count() == living
    row = AuditEntry.objects.latest("pk")
    assert (row.action, row.member_id, row.reason) == ("account.lock", "m-1", "lost phone")
    assert LogEntry.objects.latest("pk").get_change_message().endswith(": lost phone")


def test_staff_above_and_oneself_are_left_alone(steerer: Client, boss: Account) -> None:
    own = Account.objects.get(email="steerer@example.com")
    for account in (boss, own):
        assert "0 accounts" in act(steerer, ACCOUNTS, "disable", account, reason="x")
        assert Account.objects.get(pk=account.pk).is_active


def test_who_only_sees_has_no_levers(client: Client, member: Account, unknown: Submission) -> None:
    viewer = Account.objects.create_user("viewer@example.com", PASSWORD, is_staff=True)
    viewer.groups.add(Group.objects.get(name="Gateway: see"))
    client.force_login(viewer)
    assert client.get(ACCOUNTS).status_code == 403
    assert (
        client.post(ACCOUNTS, {"action": "disable", "_selected_action": [member.pk], "reason": "x"}).status_code == 403
    )
    act(client, SUBMISSIONS, "try_again", unknown, reason="x")
    assert client.post(f"{SUBMISSIONS}{unknown.pk}/resolve/", {}).status_code == 403
    assert "Resolve" not in text_of(client.get(f"{SUBMISSIONS}{unknown.pk}/change/"))
    assert Account.objects.get(pk=member.pk).is_active
    assert OutboxMessage.objects.get().parked_at is not None
    assert not LogEntry.objects.exists()


def test_a_parked_submission_is_tried_again_at_once(steerer: Client, unknown: Submission) -> None:
    assert "give a reason" in act(steerer, SUBMISSIONS, "try_again", unknown)
    assert OutboxMessage.objects.get().parked_at is not None

    assert "1 submissions are looked after now" in act(steerer, SUBMISSIONS, "try_again", unknown, reason="mended")
    message = OutboxMessage.objects.get()
    assert (message.parked_at, message.due_at <= timezone.now()) == (None, True)


def test_a_parked_message_is_replayed_after_a_reason_that_stands_in_the_audit_trail(
    steerer: Client, unknown: Submission
) -> None:
    message = OutboxMessage.objects.get()
    assert "give a reason" in act(steerer, OUTBOX, "replay", message)
    assert OutboxMessage.objects.get().parked_at is not None

    assert "1 parked messages are tried again" in act(steerer, OUTBOX, "replay", message, reason="mended")
    assert OutboxMessage.objects.get().parked_at is None
    row = AuditEntry.objects.latest("pk")
    assert (row.action, row.sections, row.reason) == ("outbox.replay", str(message.pk), "mended")
    assert LogEntry.objects.get().get_change_message() == "Tried again: mended"


def test_staff_resolve_that_it_did_not_happen(steerer: Client, unknown: Submission) -> None:
    page = f"{SUBMISSIONS}{unknown.pk}/resolve/"
    assert "Ask its owners." in text_of(steerer.get(page))
    assert "Resolve" in text_of(steerer.get(f"{SUBMISSIONS}{unknown.pk}/change/"))
    steerer.post(page, {"outcome": "not_happened", "reason": "their log has none"})

    settled = Submission.objects.get()
    assert (settled.state, OutboxMessage.objects.count()) == (State.REFUSED, 0)
    row = AuditEntry.objects.latest("pk")
    assert (row.action, row.member_id, row.reason) == ("submission.resolve", "m-1", "their log has none")
    assert "Its outcome is known by now" in text_of(
        steerer.post(page, {"outcome": "not_happened", "reason": "again"}, follow=True)
    )


@pytest.mark.parametrize(
    ("claim", "state"),
    [(CLAIM, State.SUBMITTED), ({**CLAIM, "member_id": "m-2"}, State.UNKNOWN), (REFUSED, State.UNKNOWN)],
)
def test_staff_resolve_that_it_happened_as_a_claim_of_that_member(
    steerer: Client, unknown: Submission, claim: Any, state: State, upstreams: AnsweringUpstreams
) -> None:
    upstreams.answers["getClaim"] = claim
    given = {"outcome": "happened", "claim_id": "c-9", "reason": "their log"}
    steerer.post(f"{SUBMISSIONS}{unknown.pk}/resolve/", given)

    assert upstreams.operations == ["getClaim"]
    assert Submission.objects.get().state == state


def test_staff_are_told_when_the_worker_takes_it_over_before_it_is_settled(
    steerer: Client, unknown: Submission, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_over = repository.start_settling

    def taken_over_twice(row: Submission, now: datetime) -> bool:
        is_ours = take_over(row, now)
        take_over(Submission.objects.get(), now)
        return is_ours

    monkeypatch.setattr(repository, "start_settling", taken_over_twice)
    given = {"outcome": "not_happened", "reason": "their log has none"}
    page = steerer.post(f"{SUBMISSIONS}{unknown.pk}/resolve/", given, follow=True)

    assert "Somebody else is at it; try again." in text_of(page)
    assert Submission.objects.get().state == State.UNKNOWN
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("claim", "told", "history"),
    [
        (CLAIM, "Resolved as claim c-9.", ["Resolved as claim c-9: their log"]),
        ({**CLAIM, "member_id": "m-2"}, "This claim is another member", []),
        (REFUSED, "The claims service does not show this claim", []),
    ],
)
def test_its_history_says_that_it_was_resolved_only_where_it_was(
    steerer: Client, unknown: Submission, claim: Any, told: str, history: list[str], upstreams: AnsweringUpstreams
) -> None:
    upstreams.answers["getClaim"] = claim
    given = {"outcome": "happened", "claim_id": "c-9", "reason": "their log"}
    page = steerer.post(f"{SUBMISSIONS}{unknown.pk}/resolve/", given, follow=True)

    assert told in text_of(page)
    assert [entry.get_change_message() for entry in LogEntry.objects.all()] == history
    assert AuditEntry.objects.latest("pk").action == "submission.resolve"


@pytest.mark.parametrize("operation", [Operation.CANCEL, Operation.APPEAL])
@pytest.mark.parametrize(
    ("claim_id", "state", "asked"), [("c-9", State.SUBMITTED, ["getClaim"]), ("c-8", State.UNKNOWN, [])]
)
def test_what_was_asked_of_a_claim_is_resolved_as_that_claim_alone(
    steerer: Client,
    unknown: Submission,
    upstreams: AnsweringUpstreams,
    operation: Operation,
    claim_id: str,
    state: State,
    asked: list[str],
) -> None:
    upstreams.answers["getClaim"] = {**CLAIM, "id": claim_id}
    Submission.objects.update(operation=operation, claim_id="c-9")
    given = {"outcome": "happened", "claim_id": claim_id, "reason": "their log"}
    steerer.post(f"{SUBMISSIONS}{unknown.pk}/resolve/", given)

    assert upstreams.operations == asked
    assert (Submission.objects.get().state, Submission.objects.get().claim_id) == (state, "c-9")


def test_that_it_happened_is_refused_without_the_claim(
    steerer: Client, unknown: Submission, upstreams: AnsweringUpstreams
) -> None:
    page = steerer.post(f"{SUBMISSIONS}{unknown.pk}/resolve/", {"outcome": "happened", "reason": "their log"})

    assert "Give the id of the claim as which it happened." in text_of(page)
    assert upstreams.operations == []
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("given", [{"outcome": "happened"}, {"reason": "x"}, {"outcome": "ajar", "reason": "x"}])
def test_without_an_outcome_and_a_reason_nothing_is_resolved(
    steerer: Client, unknown: Submission, given: dict[str, str]
) -> None:
    steerer.post(f"{SUBMISSIONS}{unknown.pk}/resolve/", given)
    assert Submission.objects.get().state == State.UNKNOWN
    assert not LogEntry.objects.exists()
