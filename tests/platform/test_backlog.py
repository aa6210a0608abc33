"""What waits in the database, as metrics."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from bff_project.processes import backlog
from bff_project.processes.backlog import Backlog, backlog_metrics
from claims.models import Operation, State, Submission
from gateway_clients.models import OutboxMessage
from gateway_clients.outbox import leases
from tests.support.waiting import wait_until


class Told:
    """A registry's collector with what the database says now."""

    def collect(self) -> Iterator[Metric]:
        yield from backlog_metrics()


def told(collector: Any) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(collector)
    return {
        f"{sample.name}{'|'.join(['', *sample.labels.values()])}": sample.value
        for metric in registry.collect()
        for sample in metric.samples
    }


def submission(operation: Operation, state: State) -> Submission:
    now = timezone.now()
    return Submission.objects.create(
        account_id="1", operation=operation, state=state, member_id="m-1", leased_until=now, expires_at=now, asked=b""
    )


@pytest.mark.django_db
def test_messages_are_told_by_their_state_and_how_long_the_oldest_has_been_due() -> None:
    now = timezone.now()
    for late in (0, 90):
        OutboxMessage.objects.create(kind="test", due_at=now - timedelta(seconds=late))
    OutboxMessage.objects.create(kind="test", due_at=now + timedelta(hours=1))
    leases.park(OutboxMessage.objects.create(kind="test"), now=now, trouble="poison")
    found = told(Told())

    assert {name: value for name, value in found.items() if name.startswith("outbox_messages")} == {
        "outbox_messages|due": 2,
        "outbox_messages|waiting": 1,
        "outbox_messages|parked": 1,
    }
    assert 90 <= found["outbox_oldest_due_seconds"] < 100


@pytest.mark.django_db
def test_submissions_that_are_not_settled_are_told_and_no_others() -> None:
    for state in (State.UNKNOWN, State.UNKNOWN, State.SENDING, State.SUBMITTED, State.REFUSED):
        submission(Operation.SUBMIT, state)
    found = {name: value for name, value in told(Told()).items() if name.startswith("submissions_open|submit")}

    assert found == {
        "submissions_open|submit|checking": 0,
        "submissions_open|submit|sending": 1,
        "submissions_open|submit|unknown": 2,
    }


def test_while_the_database_is_down_it_says_so_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Iterator[Metric]:
        raise OperationalError

    monkeypatch.setattr(backlog, "backlog_metrics", fail)

    assert told(Backlog()) == {"database_up": 0}


def test_a_database_that_answers_is_told_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def answer() -> Iterator[Metric]:
        asked.append(1)
        yield GaugeMetricFamily("outbox_oldest_due_seconds", "", 7)

    monkeypatch.setattr(backlog, "backlog_metrics", answer)
    collector = Backlog()

    assert [told(collector) for _ in range(3)] == [{"database_up": 1, "outbox_oldest_due_seconds": 7}] * 3
    assert len(asked) == 1


def test_a_database_that_hangs_holds_no_scrape_and_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    is_over = threading.Event()

    def hang() -> Iterator[Metric]:
        begun.append(1)
        is_over.wait(20)
        raise OperationalError

    monkeypatch.setattr(backlog, "backlog_metrics", hang)
    monkeypatch.setattr(backlog, "LIMIT_SECONDS", 0.05)
    collector = Backlog()
    found = [told(collector) for _ in range(3)]
    hung = len(begun)
    is_over.set()

    assert (found, hung) == ([{"database_up": 0}] * 3, 1)
    wait_until(lambda: told(collector) == {"database_up": 0} and len(begun) > 1)
