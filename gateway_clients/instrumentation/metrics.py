"""Prometheus metrics, over all worker processes where `PROMETHEUS_MULTIPROC_DIR` is set."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import prometheus_client
from django.conf import settings
from django.core.signals import setting_changed
from prometheus_client import CollectorRegistry

from gateway_clients.instrumentation.exemplars import exemplars
from gateway_clients.instrumentation.hooks import CallRecord, DriftRecord, Record
from gateway_clients.instrumentation.metric_families import SECONDS, MetricFamilies
from gateway_clients.instrumentation.request_span import current_span
from gateway_clients.instrumentation.sample_files import DIRECTORY
from gateway_clients.instrumentation.tally_metrics import TallyMetrics
from gateway_clients.instrumentation.worker_metrics import exposition_of

CONTENT_TYPE: Final = prometheus_client.CONTENT_TYPE_LATEST
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
        self._families = MetricFamilies(self.registry)

    def request_finished(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Unknown methods count as one, so that nobody can make up labels."""
        known = known_method(method)
        self._families.requests.observe((known, route, status), seconds)
        if (span := current_span.get()) is not None:
            labels = {"method": known, "route": route, "status": str(status)}
            exemplars().note("http_request_duration_seconds", labels, seconds, SECONDS, span.trace_id)

    def call_finished(self, record: CallRecord) -> None:
        """The operation is the label `method`."""
        self._families.calls.observe((record.service, record.operation, record.outcome), record.seconds)
        if (span := current_span.get()) is not None:
            labels = {"service": record.service, "method": record.operation, "outcome": record.outcome}
            exemplars().note("service_call_duration_seconds", labels, record.seconds, SECONDS, span.trace_id)

    def answer_drifted(self, record: DriftRecord) -> None:
        """Counts each item left out, and once an answer each field that is missing from the others."""
        for field in record.fields:
            if field in record.fields_of_omitted:
                continue
            self._families.drift.labels(record.service, record.operation, field).inc()
        if record.omitted:
            self._families.drift.labels(record.service, record.operation, "(item)").inc(record.omitted)

    def breaker_moved(self, *, service: str, state: str) -> None:
        """Counts it."""
        self._families.breakers.labels(service, state).inc()

    def event_received(self, *, kind: str, is_repeat: bool) -> None:
        """Counts it."""
        self._families.events.labels(kind, str(is_repeat).lower()).inc()

    def event_applied(self, *, lag_seconds: float) -> None:
        """Puts it aside."""
        self._families.event_lag.observe((), lag_seconds)

    def audit_written(self, *, outcome: str, lag_seconds: float) -> None:
        """Puts it aside."""
        self._families.audit_lag.observe((outcome,), lag_seconds)

    def pool_used(self, *, in_use: int, idle: int, waiting: int, size: int) -> None:
        """Sets the gauges."""
        for state, count in {"in_use": in_use, "idle": idle, "size": size}.items():
            self._families.pool.labels(state).set(count)
        self._families.pool_waiting.set(waiting)

    def redis_trip(self, *, outcome: str, seconds: float) -> None:
        """Puts it aside."""
        self._families.redis_trips.observe((outcome,), seconds)

    def database_trip(self, *, outcome: str, seconds: float) -> None:
        """Puts it aside."""
        self._families.database_trips.observe((outcome,), seconds)

    def counted(self, counts: Mapping[str, int]) -> None:
        """Adds them to their counters."""
        self._tallied.add(counts)

    def exposition(self) -> bytes:
        """Of all processes that share `PROMETHEUS_MULTIPROC_DIR`, or of this one.

        Requests and calls of other processes are counted within `histograms.SETTLE_SECONDS`.
        """
        self._families.settle()
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
