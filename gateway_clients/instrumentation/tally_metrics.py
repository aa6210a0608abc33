"""The counts of the tally as Prometheus counters, taken over once a second, so that a request does not pay for them."""

from collections.abc import Mapping
from typing import Final

import pybreaker
from prometheus_client import CollectorRegistry, Counter

from gateway_clients.conf import SERVICES

#: The first part of a tally's name that has no counter of its own: durations of calls are a histogram; which view uses
#: which upstream, and which answers lacked a drifted field, is for staff's pages.
NOT_COUNTED: Final = frozenset({"call", "drift", "uses"})
BREAKER_STATES: Final = (pybreaker.STATE_OPEN, pybreaker.STATE_HALF_OPEN, pybreaker.STATE_CLOSED)


class TallyMetrics:
    """The counters, by the first part of a tally's name; its other parts are the labels."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counters: Final[Mapping[str, Counter]] = {
            "view": Counter(
                "views_total",
                "Answers to portals; outcome is whole, or partial, shed or failed.",
                ("route", "outcome"),
                registry=registry,
            ),
            "hurt": Counter(
                "views_hurt_total",
                "Answers that lacked something because of an upstream.",
                ("route", "service"),
                registry=registry,
            ),
            "why": Counter(
                "call_troubles_total",
                "Calls that left a view without something fresh, by the code that portals see.",
                ("service", "code"),
                registry=registry,
            ),
            "cache": Counter(
                "cache_lookups_total",
                "Looks into the cache; outcome is near (in the process's memory), hit, miss, stale, or coalesced "
                "with somebody's fill.",
                ("data_class", "outcome"),
                registry=registry,
            ),
            "place": Counter(
                "upstream_place_waits_total",
                "Calls that had to wait for a place at an upstream; outcome is served, crowded where more wait than it "
                "serves in time, or busy where it does not answer those who are there.",
                ("service", "outcome"),
                registry=registry,
            ),
            "waited": Counter(
                "upstream_place_wait_milliseconds_total",
                "What calls have waited for places.",
                ("service",),
                registry=registry,
            ),
            "shed": Counter(
                "requests_shed_total",
                "Requests refused because no thread was left to their kind: read, reserved or probe.",
                ("kind",),
                registry=registry,
            ),
            "retry": Counter(
                "call_retries_total", "Calls that were tried a second time.", ("service",), registry=registry
            ),
            "breaker": Counter(
                "breaker_transitions_total", "Moves of a process's breaker.", ("service", "state"), registry=registry
            ),
            "limit": Counter(
                "rate_limit_refusals_total", "Requests beyond a rate limit.", ("group",), registry=registry
            ),
            "graphql": Counter(
                "graphql_operations_total",
                "GraphQL operations; outcome is ok, errors, or refused before anything was carried out.",
                ("kind", "outcome"),
                registry=registry,
            ),
            "spans": Counter(
                "trace_spans_total",
                "Spans of traces; outcome is sent, or dropped where the collector is slow or away.",
                ("outcome",),
                registry=registry,
            ),
            "stream": Counter(
                "streams_total",
                "Documents streamed; outcome is ok or an error's code.",
                ("direction", "outcome"),
                registry=registry,
            ),
        }

        begin_at_zero(self._counters["breaker"])

    def add(self, counts: Mapping[str, int]) -> None:
        """Adds what a process has counted since the last time. Names that nobody declared are passed over."""
        for name, by in counts.items():
            first, *labels = name.split("|")
            counter = self._counters.get(first)
            if counter is not None:
                counter.labels(*labels).inc(by)

    @property
    def names(self) -> frozenset[str]:
        """The first parts of names that have a counter."""
        return frozenset(self._counters)


def begin_at_zero(of_breakers: Counter) -> None:
    """Has a counter of breakers' moves begin at 0: one that begins with 1 has not grown, to Prometheus."""
    for service in SERVICES:
        for state in BREAKER_STATES:
            of_breakers.labels(service, state)
