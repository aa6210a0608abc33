"""Settings of the pipe, read late (each time they are asked for) so that tests and one upstream's own values hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.core.signals import setting_changed

#: Every upstream, and the port of its default address. A new one goes anywhere, with a port of its own.
SERVICES: Final[Mapping[str, int]] = {
    "claims": 8001,
    "member": 8002,
    "provider": 8003,
    "benefit": 8004,
    "policy": 8005,
    "notification": 8006,
    "payment": 8007,
    "document": 8008,
}


def example_url(service: str) -> str:
    """The address of a service that nobody has set: on this machine, where the sandbox stands in for it."""
    return f"http://localhost:{SERVICES[service]}"


#: Settings that may be set for one upstream alone, with its name in front: `CLAIMS_BREAKER_OPEN_SECONDS`.
PER_UPSTREAM: Final = (
    "UPSTREAM_TIMEOUT_SECONDS",
    "UPSTREAM_CONNECT_SECONDS",
    "UPSTREAM_MAX_BYTES",
    "UPSTREAM_SERVICE_TOKEN",
    "BULKHEAD_LIMIT",
    "BREAKER_FAILURES",
    "BREAKER_OPEN_SECONDS",
    "BREAKER_WINDOW_SECONDS",
    "BREAKER_MIN_CALLS",
    "BREAKER_FAILURE_RATE",
    "BREAKER_SLOW_SECONDS",
    "RETRY_BUDGET",
)


class DataClass(StrEnum):
    """What kind of answer a cache entry holds; each has its own life (`CACHE_TTL_SECONDS_<CLASS>`)."""

    DASHBOARD = "dashboard"
    CLAIMS = "claims"
    PAYMENTS = "payments"
    NOTIFICATIONS = "notifications"
    MEMBER = "member"
    BENEFITS = "benefits"
    COVERAGE = "coverage"
    DOCUMENTS = "documents"
    PROVIDER = "provider"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamConf:
    """What the gateway knows of one upstream. Times are seconds, sizes are bytes.

    `ca_bundle` is the path of whose certificates are trusted, "" for the usual authorities.
    """

    name: str
    base_url: str
    service_token: str = field(repr=False)
    timeout_seconds: float
    connect_seconds: float
    max_bytes: int
    bulkhead_limit: int
    breaker_failures: int
    breaker_open_seconds: float
    breaker_window_seconds: float
    breaker_min_calls: int
    breaker_failure_rate: float
    breaker_slow_seconds: float
    retry_budget: float
    ca_bundle: str = ""


@cache
def upstream_conf(name: str) -> UpstreamConf:
    """The settings of one upstream. Raises KeyError for a name that is not in `SERVICES`."""
    if name not in SERVICES:
        raise KeyError(name)

    def own(setting: str) -> Any:
        return getattr(settings, f"{name.upper()}_{setting}", getattr(settings, setting))

    return UpstreamConf(
        name=name,
        base_url=getattr(settings, f"{name.upper()}_SERVICE_URL").rstrip("/"),
        service_token=own("UPSTREAM_SERVICE_TOKEN"),
        timeout_seconds=own("UPSTREAM_TIMEOUT_SECONDS"),
        connect_seconds=own("UPSTREAM_CONNECT_SECONDS"),
        max_bytes=own("UPSTREAM_MAX_BYTES"),
        bulkhead_limit=own("BULKHEAD_LIMIT"),
        breaker_failures=own("BREAKER_FAILURES"),
        breaker_open_seconds=own("BREAKER_OPEN_SECONDS"),
        breaker_window_seconds=own("BREAKER_WINDOW_SECONDS"),
        breaker_min_calls=own("BREAKER_MIN_CALLS"),
        breaker_failure_rate=own("BREAKER_FAILURE_RATE"),
        breaker_slow_seconds=own("BREAKER_SLOW_SECONDS"),
        retry_budget=own("RETRY_BUDGET"),
        ca_bundle=settings.CA_BUNDLE,
    )


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long an entry is fresh, and how much longer it may be shown while its upstream is down. Seconds.

    `revalidate_seconds`: how much longer it answers while it is asked for anew (RFC 5861, stale-while-revalidate), as
    far as it is kept at all.
    """

    fresh_seconds: float
    stale_seconds: float
    revalidate_seconds: float = 0.0


@cache
def lifetime(data_class: DataClass) -> Lifetime:
    """The life of a data class's entries."""
    return Lifetime(
        fresh_seconds=getattr(settings, f"CACHE_TTL_SECONDS_{data_class.name}"),
        stale_seconds=getattr(settings, f"CACHE_STALE_SECONDS_{data_class.name}"),
        revalidate_seconds=getattr(settings, f"CACHE_REVALIDATE_SECONDS_{data_class.name}", 0.0),
    )


def forget(**_: object) -> None:
    """Read every setting anew the next time it is asked for."""
    upstream_conf.cache_clear()
    lifetime.cache_clear()


setting_changed.connect(forget)
