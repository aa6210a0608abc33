"""The backlog in the database as Prometheus metrics: what waits in the outbox, and submissions that are not settled.

The parent of the HTTP server asks for it, so that it is told while no worker runs, too. Every
gateway tells the same numbers: take their maximum, not their sum.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Count, Q
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from claims.models import FINAL, Operation, State, Submission
from gateway_clients.models import OutboxMessage
from gateway_clients.outbox.leases import oldest_due

#: Seconds for which an answer of the database is told.
FRESH_SECONDS: Final = 5.0
#: Seconds that a scrape waits for the database.
LIMIT_SECONDS: Final = 1.0


class Backlog:
    """Asks the database when it is scraped, at most every `FRESH_SECONDS`, on a thread of its own.

    While the database is down or slow `database_up` is 0 and the rest is left out.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking: threading.Thread | None = None
        self._told: list[Metric] = []
        self._told_at = float("-inf")

    def collect(self) -> Iterable[Metric]:
        """Yields the gauges, within `LIMIT_SECONDS`."""
        with self._lock:
            if time.monotonic() - self._told_at >= FRESH_SECONDS and (self._asking is None):
                self._asking = threading.Thread(target=self._ask, name="backlog", daemon=True)
                self._asking.start()
            asking = self._asking
        if asking is not None:
            asking.join(LIMIT_SECONDS)
        with self._lock:
            is_known = time.monotonic() - self._told_at < FRESH_SECONDS
            told = self._told if is_known else []
        yield GaugeMetricFamily("database_up", "1 while the database answers the gateway.", float(bool(told)))
        yield from told

    def _ask(self) -> None:
        told: list[Metric] = []
        try:
            with suppress(DatabaseError, InterfaceError):
                told = list(backlog_metrics())
        finally:
            connection.close()
            with self._lock:
                self._told, self._asking = told, None
                self._told_at = time.monotonic() if told else float("-inf")


def backlog_metrics() -> Iterator[Metric]:
    """Yields what the database says now. Raises DatabaseError and InterfaceError."""
    yield from _outbox()
    yield _submissions()


def _outbox() -> Iterable[Metric]:
    now = timezone.now()
    counts = OutboxMessage.objects.aggregate(
        parked=Count("pk", filter=Q(parked_at__isnull=False)),
        due=Count("pk", filter=Q(parked_at=None, due_at__lte=now)),
        waiting=Count("pk", filter=Q(parked_at=None, due_at__gt=now)),
    )
    messages = GaugeMetricFamily(
        "outbox_messages", "Messages that are due, wait for their time or a retry, or are parked.", labels=("state",)
    )
    for state, count in counts.items():
        messages.add_metric((state,), count)
    yield messages
    due_at = oldest_due(now=now)
    age = 0.0 if due_at is None else (now - due_at).total_seconds()
    yield GaugeMetricFamily("outbox_oldest_due_seconds", "For how long the oldest message has been due.", age)


def _submissions() -> Metric:
    open_states = [state for state in State if state not in FINAL]
    counts: dict[tuple[str, str], int] = {(operation, state): 0 for operation in Operation for state in open_states}
    found = Submission.objects.exclude(state__in=FINAL).values_list("operation", "state").annotate(Count("pk"))
    counts |= {(operation, state): count for operation, state, count in found}
    metric = GaugeMetricFamily(
        "submissions_open", "Claims being submitted, cancelled or appealed, not settled.", labels=("operation", "state")
    )
    for (operation, state), count in counts.items():
        metric.add_metric((operation, state), count)
    return metric
