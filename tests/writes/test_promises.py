"""What a portal is told while the database does not say what stands in it: a failure, or a promise that is kept."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from claims.models import Operation, State, Submission
from claims.submissions import promises, repository
from claims.submissions.commands import Asked, GivenChange
from claims.submissions.doubtful_commit import DoubtfulCommitError, doubt_in_commit
from claims.submissions.messages import SETTLE
from gateway_clients.caching.store import default_cache
from gateway_clients.models import OutboxMessage
from tests.support.waiting import wait_until
from tests.writes.portal import submit
from tests.writes.test_submitting import calls

pytestmark = pytest.mark.django_db
ASKED = Asked(operation=Operation.CANCEL, account_id="7", key="k-1", given=GivenChange(member_id="m-1", claim_id="c-1"))
Since = Callable[[Submission], object]


def down(*_args: object, **_options: object) -> None:
    raise OperationalError("the database is down")


def about_to_be_sent() -> Submission:
    """A row as an attempt has it whose sending is written down."""
    row, _ = repository.begin(ASKED, timezone.now())
    until = timezone.now() + datetime.timedelta(seconds=10)
    repository.start_sending(row, b'{"reason":null}', provider_id="prov-1", until=until)
    return row


def forgotten(row: Submission) -> None:
    repository.forget(Submission.objects.get(pk=row.pk))
    OutboxMessage.objects.all().delete()


def unwritten(row: Submission) -> None:
    Submission.objects.filter(pk=row.pk).update(state=State.CHECKING, sent=None, provider_id="")
    OutboxMessage.objects.all().delete()


def begun_anew(row: Submission) -> None:
    forgotten(row)
    repository.begin(ASKED, timezone.now())


def taken_over(row: Submission) -> None:
    assert repository.start_settling(Submission.objects.get(pk=row.pk), timezone.now())


def settled(row: Submission) -> None:
    Submission.objects.filter(pk=row.pk).update(state=State.SUBMITTED)
    OutboxMessage.objects.all().delete()


def rows() -> list[dict[str, Any]]:
    return [*Submission.objects.order_by("pk").values(), *OutboxMessage.objects.order_by("pk").values()]


@pytest.mark.parametrize("since", [lambda _row: None, unwritten, forgotten], ids=["written", "unwritten", "forgotten"])
def test_a_promise_has_the_worker_send_what_was_to_be_sent_now(since: Since) -> None:
    row = about_to_be_sent()
    since(row)
    now = timezone.now()
    repository.keep_promise(row, now)

    kept = Submission.objects.get()
    assert (kept.pk, kept.state, kept.leased_until, kept.provider_id) == (row.pk, State.SENDING, now, "prov-1")
    assert kept.open("sent") == b'{"reason":null}'
    (message,) = OutboxMessage.objects.filter(kind=SETTLE)
    assert (message.payload, message.due_at) == ({"submission_id": str(row.pk)}, now)


@pytest.mark.parametrize("since", [taken_over, settled, begun_anew])
def test_a_promise_leaves_alone_what_others_made_of_it_meanwhile(since: Since) -> None:
    row = about_to_be_sent()
    since(row)
    before = rows()
    repository.keep_promise(row, timezone.now())

    assert rows() == before


def test_a_promise_is_kept_once_the_database_answers_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[datetime.datetime] = []

    def keep(_row: Submission, now: datetime.datetime) -> None:
        tried.append(now)
        if len(tried) < 3:
            down()

    nudged: list[bool] = []
    monkeypatch.setattr(promises, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(promises, "nudge", lambda: nudged.append(True))
    monkeypatch.setattr(repository, "keep_promise", keep)
    promises.keep(Submission(), timezone.now)

    wait_until(lambda: nudged)
    assert len(tried) == 3


def test_a_sending_that_may_be_written_down_and_is_surely_forgotten_has_failed(
    portal, sandbox, written, monkeypatch
) -> None:
    client = portal()
    start_sending = repository.start_sending

    def without_an_answer(*args: Any, **options: Any) -> None:
        start_sending(*args, **options)
        raise DoubtfulCommitError

    with monkeypatch.context() as patch:
        patch.setattr(repository, "start_sending", without_an_answer)
        answer = submit(client, key="k-1")

    assert (answer.status_code, "claims" in calls(sandbox)) == (503, False)
    assert rows() == []
    assert submit(client, key="k-1").status_code == 201
    assert len(written()) == 1


def test_an_unknown_outcome_that_cannot_be_written_down_is_found_out_all_the_same(
    portal, sandbox, written, monkeypatch, later
) -> None:
    client = portal()
    sandbox.fault("claims", "lost", operation="submitClaim", times=1)
    with monkeypatch.context() as patch:
        patch.setattr(repository, "mark_unknown", down)
        answer = submit(client, key="k-1")

    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert later(20.0) > 0
    assert submit(client, key="k-1").status_code == 201
    assert len(written()) == 1


def test_a_claim_that_neither_the_database_nor_redis_can_be_told_of_is_pending(
    portal, written, monkeypatch, later
) -> None:
    client = portal()
    with monkeypatch.context() as patch:
        patch.setattr(default_cache().circuit, "_is_down", True)
        patch.setattr(repository, "keep_claim", down)
        answer = submit(client, key="k-1")

    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert later(20.0) > 0
    assert submit(client, key="k-1").status_code == 201
    assert len(written()) == 1


@pytest.mark.parametrize(("are_complete", "kind"), [(True, DoubtfulCommitError), (False, OperationalError)])
def test_only_a_commit_without_an_answer_is_in_doubt(are_complete: bool, kind: type[Exception]) -> None:
    def write() -> None:
        with doubt_in_commit() as changes:
            changes.are_complete = are_complete
            down()

    with pytest.raises(OperationalError) as raised:
        write()

    assert type(raised.value) is kind
