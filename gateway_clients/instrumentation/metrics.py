"""Prometheus metrics, over all worker processes where `PROMETHEUS_MULTIPROC_DIR` is set; null twins when off."""

import os
from functools import cache
from pathlib import Path
from typing import Final, Protocol

import prometheus_client
from django.conf import settings
from django.core.signals import setting_changed
from prometheus_client import CollectorRegistry, Counter, Histogram

from gateway_clients.instrumentation.histograms import DeferredHistogram
from gateway_clients.instrumentation.hooks import CallRecord, DriftRecord, Record
from gateway_clients.instrumentation.sample_files import DIRECTORY
from gateway_clients.instrumentation.worker_metrics import exposition_of

CONTENT_TYPE: Final = prometheus_client.CONTENT_TYPE_LATEST
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics(Protocol):
    """What is counted."""

    def request_finished(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """An answer was given; `route` is the pattern of the address, never the address."""

    def call_finished(self, record: CallRecord) -> None:
        """An upstream was called."""

    def answer_drifted(self, record: DriftRecord) -> None:
        """An upstream's answer was not quite as its contract says."""

    def event_received(self, *, kind: str, is_repeat: bool) -> None:
        """An event came in; `kind` is its type, or `unknown`."""

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""


class PrometheusMetrics:
    """Counts with prometheus-client in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
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
        self._drift = Counter(
            "upstream_answer_drift_total",
            "Answers with a field that is not as the contract says; the field '(item)' is an item left out.",
            ("service", "method", "field"),
            registry=self.registry,
        )
        self._events = Counter(
            "events_received_total",
            "Signed events that were taken; the type 'unknown' stands for all that the gateway does not know.",
            ("type", "is_repeat"),
            registry=self.registry,
        )

    def request_finished(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Unknown methods count as one, so that nobody can make up labels."""
        known = method if method in METHODS else "OTHER"
        self._requests.observe((known, route, status), seconds)

    def call_finished(self, record: CallRecord) -> None:
        """The operation is the label `method`."""
        self._calls.observe((record.service, record.operation, record.outcome), record.seconds)

    def answer_drifted(self, record: DriftRecord) -> None:
        """Counts each field once an answer, each item left out."""
        for field in record.fields:
            self._drift.labels(record.service, record.operation, field).inc()
        if record.omitted:
            self._drift.labels(record.service, record.operation, "(item)").inc(record.omitted)

    def event_received(self, *, kind: str, is_repeat: bool) -> None:
        """Counts it."""
        self._events.labels(kind, str(is_repeat).lower()).inc()

    def exposition(self) -> bytes:
        """Of all processes that share `PROMETHEUS_MULTIPROC_DIR`, or of this one.

        Requests and calls of other processes are counted within `histograms.SETTLE_SECONDS`.
        """
        self._requests.settle()
        self._calls.settle()
        if DIRECTORY not in os.environ:
            return prometheus_client.generate_latest(self.registry)
        return exposition_of(Path(os.environ[DIRECTORY]))


class NoMetrics:
    """Counts nothing (`ENABLE_METRICS=false`)."""

    def request_finished(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Nothing."""

    def call_finished(self, record: CallRecord) -> None:
        """Nothing."""

    def answer_drifted(self, record: DriftRecord) -> None:
        """Nothing."""

    def event_received(self, *, kind: str, is_repeat: bool) -> None:
        """Nothing."""

    def exposition(self) -> bytes:
        """Nothing."""
        return b""


@cache
def metrics() -> Metrics:
    """The metrics of this process, made when first asked for."""
    return PrometheusMetrics() if settings.ENABLE_METRICS else NoMetrics()


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
