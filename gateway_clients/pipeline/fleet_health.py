"""The health of the upstreams and of the cache, over all processes of the gateway."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway_clients.conf import SERVICES
from gateway_clients.instrumentation.rates import (
    WINDOW_SECONDS,
    CallRates,
    Rates,
    quantile_ms,
    rate_book,
    together,
)
from gateway_clients.redis_access.circuit import CacheDownError
from gateway_clients.resilience.breaker import Override
from gateway_clients.resilience.breaker_report import BreakerReport
from gateway_clients.resilience.breaker_sync import BreakerSync, breaker_sync

#: From good to bad: an upstream is shown in the worst state that any process reports.
STATES: Final = ("closed", "half-open", "open")
FORCED: Final[Mapping[str, str]] = {Override.FORCED_OPEN: "open", Override.FORCED_CLOSED: "closed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamHealth:
    """One upstream: its breaker, and its calls of the last minute. `error_rate` is from 0 to 1.

    `is_paused`: it asked for a pause (429). `last_answer` is `ok`, `failed` or `none`, of the process that called last.
    """

    name: str
    state: str
    calls_per_second: float
    error_rate: float
    p50_ms: float | None
    p95_ms: float | None
    is_paused: bool
    last_answer: str
    answered_seconds_ago: float


@dataclass(frozen=True, slots=True)
class FleetHealth:
    """The health that the processes reported; `is_whole` is False when only this process could be asked."""

    upstreams: tuple[UpstreamHealth, ...]
    hit_ratio: float | None
    is_whole: bool


def fleet_health(sharing: BreakerSync | None = None) -> FleetHealth:
    """Returns the health over all processes; over this one alone while Redis is down."""
    sharing = sharing or breaker_sync()
    own_reports, own_rates = sharing.reports(), rate_book().rates()
    try:
        others = [report for report in sharing.all_reports() if report.process != sharing.process]
        rates = together([own_rates, *sharing.rates_of_others()])
    except CacheDownError:
        return _fleet_health(own_reports, own_rates, is_whole=False)
    return _fleet_health([*own_reports, *others], rates, is_whole=True)


def _fleet_health(reports: Iterable[BreakerReport], rates: Rates, *, is_whole: bool) -> FleetHealth:
    known = list(reports)
    looks = rates.hits + rates.misses
    return FleetHealth(
        tuple(
            _health(name, [report for report in known if report.service == name], rates.services.get(name, CallRates()))
            for name in SERVICES
        ),
        rates.hits / looks if looks else None,
        is_whole,
    )


def _health(name: str, reports: Sequence[BreakerReport], rates: CallRates) -> UpstreamHealth:
    states = [FORCED.get(report.override, report.state) for report in reports]
    last = max(reports, key=lambda report: report.answered_at, default=None)
    return UpstreamHealth(
        name=name,
        state=max((state for state in states if state in STATES), key=STATES.index, default="closed"),
        calls_per_second=round(rates.calls / WINDOW_SECONDS, 2),
        error_rate=round(rates.errors / rates.calls, 4) if rates.calls else 0.0,
        p50_ms=quantile_ms(rates, 0.5),
        p95_ms=quantile_ms(rates, 0.95),
        is_paused=any(report.paused_seconds > 0 for report in reports),
        last_answer="none" if last is None else last.last_answer,
        answered_seconds_ago=0.0 if last is None else last.reported_at - last.answered_at,
    )
