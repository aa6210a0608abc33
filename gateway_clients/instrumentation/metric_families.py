"""The metric families of the gateway, by name, labels and buckets; the tally's counters have a table of their own."""

from typing import Final

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway_clients.instrumentation.histograms import DeferredHistogram
from gateway_clients.instrumentation.tally_metrics import begin_at_zero

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0)
#: Of trips to Redis and the database, which take less.
TRIP_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
#: Of events, which may wait at their sender.
LAG_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 86400.0)


class MetricFamilies:
    """The families of one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = DeferredHistogram(
            Histogram(
                "http_request_duration_seconds",
                "Time to answer a request.",
                ("method", "route", "status"),
                buckets=SECONDS,
                registry=registry,
            )
        )
        self.calls = DeferredHistogram(
            Histogram(
                "service_call_duration_seconds",
                "Time of one call of an upstream's operation.",
                ("service", "method", "outcome"),
                buckets=SECONDS,
                registry=registry,
            )
        )
        self.redis_trips = DeferredHistogram(
            Histogram(
                "redis_round_trip_duration_seconds",
                "Time of one round trip to Redis; outcome is ok, refused, or failed where there was no answer.",
                ("outcome",),
                buckets=TRIP_SECONDS,
                registry=registry,
            )
        )
        self.database_trips = DeferredHistogram(
            Histogram(
                "database_round_trip_duration_seconds",
                "Time of one statement, BEGIN or COMMIT; outcome is ok, refused, slow, or down where nobody answers.",
                ("outcome",),
                buckets=TRIP_SECONDS,
                registry=registry,
            )
        )
        self.event_lag = DeferredHistogram(
            Histogram(
                "event_lag_seconds",
                "From when an upstream says that something has changed until it is dropped from the cache.",
                buckets=LAG_SECONDS,
                registry=registry,
            )
        )
        audit_lag = Histogram(
            "audit_lag_seconds",
            "Age of the oldest row of a batch of the audit trail; outcome is written, or unwritten.",
            ("outcome",),
            buckets=SECONDS,
            registry=registry,
        )
        # There from the beginning: a counter that begins with its first one has not grown, to Prometheus.
        audit_lag.labels("unwritten")
        self.audit_lag = DeferredHistogram(audit_lag)
        self.pool = Gauge(
            "database_pool_connections",
            "Connections to PostgreSQL: in_use, idle, or the most that there may be (size).",
            ("state",),
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.pool_waiting = Gauge(
            "database_pool_waiting",
            "Threads that wait for a connection to PostgreSQL.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.drift = Counter(
            "upstream_answer_drift_total",
            "Answers with a field that is not as the contract says; the field '(item)' is an item left out.",
            ("service", "method", "field"),
            registry=registry,
        )
        Gauge(
            "web_bff_info",
            "1 for each version of the gateway that serves.",
            ("version",),
            multiprocess_mode="livemax",
            registry=registry,
        ).labels(settings.GATEWAY_VERSION).set(1)
        self.breakers = Counter(
            "upstream_breaker_changes_total",
            "How often breakers came to a state.",
            ("service", "state"),
            registry=registry,
        )
        begin_at_zero(self.breakers)
        self.events = Counter(
            "events_received_total",
            "Signed events that were taken; the type 'unknown' stands for all that the gateway does not know.",
            ("type", "is_repeat"),
            registry=registry,
        )

    def settle(self) -> None:
        """Counts the durations that were put aside."""
        for histogram in (
            *(self.requests, self.calls, self.redis_trips),
            *(self.database_trips, self.event_lag, self.audit_lag),
        ):
            histogram.settle()
