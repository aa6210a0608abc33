"""How the upstreams and the cache fare, over all processes of the gateway."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway_clients.caching.guard import CacheDownError
from gateway_clients.conf import SERVICES
from gateway_clients.instrumentation.rates import (
    WINDOW_SECONDS,
    CallRates,
    Rates,
    quantile_ms,
    rate_book,
    together,
)
from gateway_clients.resilience.breaker import Override
from gateway_clients.resilience.sharing import BreakerReport, BreakerSharing, breaker_sharing

#: From good to bad: an upstream is shown as the process sees it that sees it worst.
STATES: Final = ("closed", "half-open", "open")
FORCED: Final = {Override.FORCED_OPEN: "open", Override.FORCED_CLOSED: "closed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamHealth:
    """One upstream: its breaker, and its calls of the last minute. `error_rate` is from 0 to 1."""

    name: str
    state: str
    calls_per_second: float
    error_rate: float
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    """What the processes told of themselves; `is_whole` is false when only this one could be asked."""

    upstreams: tuple[UpstreamHealth, ...]
    hit_ratio: float | None
    is_whole: bool


def overview(sharing: BreakerSharing | None = None) -> Overview:
    """Of all processes, or of this one alone while Redis is down."""
    sharing = sharing or breaker_sharing()
    own_reports, own_rates = sharing.reports(), rate_book().rates()
    try:
        others = [report for report in sharing.all_reports() if report.process != sharing.process]
        rates = together([own_rates, *sharing.rates_of_others()])
    except CacheDownError:
        return _overview(own_reports, own_rates, is_whole=False)
    return _overview([*own_reports, *others], rates, is_whole=True)


def _overview(reports: Iterable[BreakerReport], rates: Rates, *, is_whole: bool) -> Overview:
    known = list(reports)
    looks = rates.hits + rates.misses
    return Overview(
        tuple(
            _health(name, [report for report in known if report.service == name], rates.services.get(name, CallRates()))
            for name in SERVICES
        ),
        rates.hits / looks if looks else None,
        is_whole,
    )


def _health(name: str, reports: Iterable[BreakerReport], rates: CallRates) -> UpstreamHealth:
    states = [FORCED.get(Override(report.override), report.state) for report in reports]
    return UpstreamHealth(
        name=name,
        state=max(states, key=STATES.index, default="closed"),
        calls_per_second=round(rates.calls / WINDOW_SECONDS, 2),
        error_rate=round(rates.errors / rates.calls, 4) if rates.calls else 0.0,
        p50_ms=quantile_ms(rates, 0.5),
        p95_ms=quantile_ms(rates, 0.95),
    )
