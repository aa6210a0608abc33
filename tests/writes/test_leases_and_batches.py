"""A message is leased for as long as it runs, and chores go through many rows a batch at a time."""

import datetime
import os
import signal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bff_project.processes import worker
from bff_project.processes.worker import WorkerConf, run_worker
from claims.jobs import RESUME_AFTER, forget_old_submissions, resume_settling
from claims.models import Operation, State, Submission
from claims.submissions.messages import SETTLE, about
from gateway_clients.database import batches
from gateway_clients.edge.events.views import KEPT, forget_old_events
from gateway_clients.models import OutboxMessage, ReceivedEvent
from gateway_clients.outbox import dispatcher, leases, publisher

pytestmark = pytest.mark.django_db
#: As long as a handler may take: a write's time budget.
HANDLER_SECONDS = 10.0


def test_each_message_is_leased_while_it_runs_though_they_run_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = timezone.now()
    left: list[float] = []

    def handle(message: OutboxMessage) -> None:
        nonlocal now
        now += datetime.timedelta(seconds=HANDLER_SECONDS)
        left.append((OutboxMessage.objects.get(pk=message.pk).due_at - now).total_seconds())

    monkeypatch.setattr(dispatcher, "handlers", lambda: {"slow": handle})
    publisher.put_all([("slow", {})] * 8, due_at=now)

    assert dispatcher.work_off(clock=lambda: now) == 8
    assert left == pytest.approx([leases.MESSAGE_LEASE_RESERVE_SECONDS] * 8)


def test_what_an_older_worker_has_parked_unknown_is_taken_up_by_one_that_knows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handled: list[str] = []
    publisher.put_all([("claims.praise", {}), ("of.nobody", {})], due_at=timezone.now())
    publisher.put_all([("claims.praise", {})], due_at=timezone.now() + datetime.timedelta(days=1))
    dispatcher.work_off()
    assert OutboxMessage.objects.exclude(parked_at=None).count() == 2

    monkeypatch.setattr(dispatcher, "handlers", lambda: {"claims.praise": lambda each: handled.append(each.kind)})
    dispatcher.take_up_unhandled()
    dispatcher.work_off()

    assert handled == ["claims.praise"]
    assert list(OutboxMessage.objects.order_by("pk").values_list("kind", "trouble")) == [
        ("of.nobody", "OUTBOX_HANDLERS has no handler for of.nobody."),
        ("claims.praise", ""),
    ]


def test_what_staff_have_to_decide_is_not_taken_up() -> None:
    publisher.put_all([(SETTLE, {})], due_at=timezone.now())
    OutboxMessage.objects.update(parked_at=timezone.now(), trouble="Ask its owners.")

    dispatcher.take_up_unhandled()

    assert OutboxMessage.objects.exclude(parked_at=None).count() == 1


def test_the_worker_takes_as_many_messages_as_it_runs_side_by_side() -> None:
    asked: list[dict[str, Any]] = []

    def sweep(**given: Any) -> int:
        asked.append(given)
        os.kill(os.getpid(), signal.SIGTERM)
        return 0

    run_worker(WorkerConf(sweep=sweep, do_drops=lambda: 0, chores=(), has_broker=False), lambda _: None)
    assert [given["limit"] for given in asked] == [worker.THREADS]


def submissions(count: int, state: State, at: datetime.datetime) -> list[Submission]:
    return Submission.objects.bulk_create(
        Submission(
            account_id="1",
            operation=Operation.SUBMIT,
            member_id="m-1",
            state=state,
            leased_until=at,
            expires_at=at,
            asked=b"a secret of many bytes",
        )
        for _ in range(count)
    )


def test_settling_is_resumed_in_batches_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches.keys_in_batches, "__defaults__", (3,))
    rows = submissions(7, State.UNKNOWN, timezone.now() - 2 * RESUME_AFTER)
    submissions(2, State.SUBMITTED, timezone.now() - 2 * RESUME_AFTER)
    submissions(2, State.SENDING, timezone.now())
    met = rows[2]
    publisher.put(SETTLE, {"submission_id": str(met.pk)}, about=about(met))

    with CaptureQueriesContext(
        connection,
    ) as asked:
        resume_settling()

    assert sorted(message.about for message in OutboxMessage.objects.all()) == sorted(about(row) for row in rows)
    reads = [query["sql"] for query in asked if query["sql"].startswith("SELECT")]
    assert not [sql for sql in reads if '"asked"' in sql]
    assert [sql.rpartition(" LIMIT ")[2] for sql in reads if "claims_submission" in sql] == ["3"] * 4


def test_what_is_old_is_removed_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches.delete_in_batches, "__defaults__", (3,))
    submissions(7, State.SUBMITTED, timezone.now())
    (kept,) = submissions(1, State.UNKNOWN, timezone.now())
    ReceivedEvent.objects.bulk_create(
        ReceivedEvent(webhook_id=str(number), received_at=timezone.now() - KEPT - datetime.timedelta(hours=number))
        for number in range(-1, 7)
    )

    with CaptureQueriesContext(connection) as asked:
        forget_old_submissions()
        forget_old_events()

    deleted = [query["sql"] for query in asked if query["sql"].startswith("DELETE")]
    assert len(deleted) == 6
    assert list(Submission.objects.all()) == [kept]
    assert [event.webhook_id for event in ReceivedEvent.objects.all()] == ["-1"]
