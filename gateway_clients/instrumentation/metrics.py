"""Prometheus metrics, over all worker processes where `PROMETHEUS_MULTIPROC_DIR` is set."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import prometheus_client
from django.conf import settings
from django.core.signals import setting_changed
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway_clients.instrumentation.exemplars import exemplars
from gateway_clients.instrumentation.histograms import DeferredHistogram
from gateway_clients.instrumentation.hooks import CallRecord, DriftRecord, Record
from gateway_clients.instrumentation.request_span import current_span
from gateway_clients.instrumentation.sample_files import DIRECTORY
from gateway_clients.instrumentation.tally_metrics import TallyMetrics, begin_at_zero
from gateway_clients.instrumentation.worker_metrics import exposition_of

CONTENT_TYPE: Final = prometheus_client.CONTENT_TYPE_LATEST
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0)
#: Of trips to Redis and the database, which take less.
TRIP_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
#: Of events, which may wait at their sender.
LAG_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 86400.0)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def known_method(method: str) -> str:
    """The method of a request; OTHER for one that somebody made up, as a label, a line or a page would show it."""
    return method if method in METHODS else "OTHER"


class Metrics:
    """What is counted; this one counts nothing (`ENABLE_METRICS=false`)."""

    def request_finished(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """An answer was given; `route` is the pattern of the address, never the address."""

    def call_finished(self, record: CallRecord) -> None:
        """An upstream was called."""

    def answer_drifted(self, record: DriftRecord) -> None:
        """An upstream's answer was not quite as its contract says."""

    def breaker_moved(self, *, service: str, state: str) -> None:
        """A breaker of this process came to another state."""

    def event_received(self, *, kind: str, is_repeat: bool) -> None:
        """An event came in; `kind` is its type, or `unknown`."""

    def event_applied(self, *, lag_seconds: float) -> None:
        """What an event names was dropped, so long after it happened."""

    def audit_written(self, *, outcome: str, lag_seconds: float) -> None:
        """A batch of the audit trail was `written`, or `unwritten`; its oldest row is so old."""

    def pool_used(self, *, in_use: int, idle: int, waiting: int, size: int) -> None:
        """How this process's connections to PostgreSQL are used at the moment."""

    def redis_trip(self, *, outcome: str, seconds: float) -> None:
        """Redis was asked."""

    def database_trip(self, *, outcome: str, seconds: float) -> None:
        """The database was asked."""

    def counted(self, counts: Mapping[str, int]) -> None:
        """Takes over what the process tallied since the last time."""

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return b""


class PrometheusMetrics(Metrics):
    """Counts with prometheus-client in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._tallied = TallyMetrics(self.registry)
        self._requests = DeferredHistogram(
            Histogram(
                "http_request_duration_seconds",
                "Time to answer a request.",
                ("method", "route", "status"),
                buckets=SECONDS,
                registry=self.registry,
            )
        )
        self._calls = DeferredHistogram(
            Histogram(
                "service_call_duration_seconds",
                "Time of one call of an upstream's operation.",
                ("service", "method", "outcome"),
                buckets=SECONDS,
                registry=self.registry,
            )
        )
        self._redis_trips = DeferredHistogram(
            Histogram(
                "redis_round_trip_duration_seconds",
                "Time of one round trip to Redis; outcome is ok, refused, or failed where there was no answer.",
                ("outcome",),
                buckets=TRIP_SECONDS,
                registry=self.registry,
            )
        )
        self._database_trips = DeferredHistogram(
            Histogram(
                "database_round_trip_duration_seconds",
                "Time of one statement, BEGIN or COMMIT; outcome is ok, refused, slow, or down where nobody answers.",
                ("outcome",),
                buckets=TRIP_SECONDS,
                registry=self.registry,
            )
        )
        self._event_lag = DeferredHistogram(
            Histogram(
                "event_lag_seconds",
                "From when an upstream says that something has changed until it is dropped from the cache.",
                buckets=LAG_SECONDS,
                registry=self.registry,
            )
        )
        audit_lag = Histogram(
            "audit_lag_seconds",
            "Age of the oldest row of a batch of the audit trail; outcome is written, or unwritten.",
            ("outcome",),
            buckets=SECONDS,
            registry=self.registry,
        )
        # There from the beginning: a counter that begins with its first one has not grown, to Prometheus.
        audit_lag.labels("unwritten")
        self._audit_lag = DeferredHistogram(audit_lag)
        self._pool = Gauge(
            "database_pool_connections",
            "Connections to PostgreSQL: in_use, idle, or the most that there may be (size).",
            ("state",),
            multiprocess_mode="livesum",
            registry=self.registry,
        )
        self._pool_waiting = Gauge(
            "database_pool_waiting",
            "Threads that wait for a connection to PostgreSQL.",
            multiprocess_mode="livesum",
            registry=self.registry,
        )
        self._drift = Counter(
            "upstream_answer_drift_total",
            "Answers with a field that is not as the contract says; the field '(item)' is an item left out.",
            ("service", "method", "field"),
            registry=self.registry,
        )
        Gauge(
            "web_bff_info",
            "1 for each version of the gateway that serves.",
            ("version",),
            multiprocess_mode="livemax",
            registry=self.registry,
        ).labels(settings.GATEWAY_VERSION).set(1)
        self._breakers = Counter(
            "upstream_breaker_changes_total",
            "How often breakers came to a state.",
            ("service", "state"),
            registry=self.registry,
        )
        begin_at_zero(self._breakers)
        self._events = Counter(
            "events_received_total",
            "Signed events that were taken; the type 'unknown' stands for all that the gateway does not know.",
            ("type", "is_repeat"),
            registry=self.registry,
        )

    def request_finished(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Unknown methods count as one, so that nobody can make up labels."""
        known = known_method(method)
        self._requests.observe((known, route, status), seconds)
        if (span := current_span.get()) is not None:
            labels = {"method": known, "route": route, "status": str(status)}
            exemplars().note("http_request_duration_seconds", labels, seconds, SECONDS, span.trace_id)

    def call_finished(self, record: CallRecord) -> None:
        """The operation is the label `method`."""
        self._calls.observe((record.service, record.operation, record.outcome), record.seconds)
        if (span := current_span.get()) is not None:
            labels = {"service": record.service, "method": record.operation, "outcome": record.outcome}
            exemplars().note("service_call_duration_seconds", labels, record.seconds, SECONDS, span.trace_id)

    def answer_drifted(self, record: DriftRecord) -> None:
        """Counts each item left out, and once an answer each field that is missing from the others."""
        for field in record.fields:
            if field in record.fields_of_omitted:
                continue
            self._drift.labels(record.service, record.operation, field).inc()
        if record.omitted:
            self._drift.labels(record.service, record.operation, "(item)").inc(record.omitted)

    def breaker_moved(self, *, service: str, state: str) -> None:
        """Counts it."""
        self._breakers.labels(service, state).inc()

    def event_received(self, *, kind: str, is_repeat: bool) -> None:
        """Counts it."""
        self._events.labels(kind, str(is_repeat).lower()).inc()

    def event_applied(self, *, lag_seconds: float) -> None:
        """Puts it aside."""
        self._event_lag.observe((), lag_seconds)

    def audit_written(self, *, outcome: str, lag_seconds: float) -> None:
        """Puts it aside."""
        self._audit_lag.observe((outcome,), lag_seconds)

    def pool_used(self, *, in_use: int, idle: int, waiting: int, size: int) -> None:
        """Sets the gauges."""
        for state, count in {"in_use": in_use, "idle": idle, "size": size}.items():
            self._pool.labels(state).set(count)
        self._pool_waiting.set(waiting)

    def redis_trip(self, *, outcome: str, seconds: float) -> None:
        """Puts it aside."""
        self._redis_trips.observe((outcome,), seconds)

    def database_trip(self, *, outcome: str, seconds: float) -> None:
        """Puts it aside."""
        self._database_trips.observe((outcome,), seconds)

    def counted(self, counts: Mapping[str, int]) -> None:
        """Adds them to their counters."""
        self._tallied.add(counts)

    def exposition(self) -> bytes:
        """Of all processes that share `PROMETHEUS_MULTIPROC_DIR`, or of this one.

        Requests and calls of other processes are counted within `histograms.SETTLE_SECONDS`.
        """
        for histogram in (
            *(self._requests, self._calls, self._redis_trips),
            *(self._database_trips, self._event_lag, self._audit_lag),
        ):
            histogram.settle()
        if DIRECTORY not in os.environ:
            return prometheus_client.generate_latest(self.registry)
        return exposition_of(Path(os.environ[DIRECTORY]))


@cache
def metrics() -> Metrics:
    """The metrics of this process, made when first asked for."""
    return PrometheusMetrics() if settings.ENABLE_METRICS else Metrics()


def count_record(record: Record) -> None:
    """The hook that counts calls and drift."""
    if isinstance(record, CallRecord):
        metrics().call_finished(record)
    else:
        metrics().answer_drifted(record)


def forget(*, setting: str, **_: object) -> None:
    """Choose anew when the setting changes."""
    if setting == "ENABLE_METRICS":
        metrics.cache_clear()


setting_changed.connect(forget)
