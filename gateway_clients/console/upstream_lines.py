"""One line for each upstream: its breaker over all processes, its calls of the last minute, who uses it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway_clients.conf import SERVICES
from gateway_clients.console.measurements import Measurements, part, parts, quantile_ms, users_of
from gateway_clients.console.routes import route_text
from gateway_clients.console.sparkline import Sparkline, sparkline
from gateway_clients.fleet.counters import FINE
from gateway_clients.fleet.processes import BreakerStatus, ProcessStatus

#: From good to bad.
STATES: Final = ("closed", "half-open", "open")
FORCED: Final[Mapping[str, str]] = {"forced_open": "open", "forced_closed": "closed"}
TONES: Final = {"closed": "good", "half-open": "fair", "open": "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView:
    """A view that uses an upstream: of how many of its answers of the last hour, and how many it has hurt."""

    route: str
    answers: int
    whole: int
    hurt: int

    @property
    def whole_percent(self) -> float:
        """How many of the answers were whole."""
        return 100 * self.whole / self.answers if self.answers else 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamLine:
    """One upstream. Rates are of the last minute, shares in percent; `since` is when the worst process came there."""

    name: str
    state: str
    tone: str
    since: float
    override: str
    is_paused: bool
    calls: int
    calls_per_second: float
    error_percent: float
    slow_percent: float
    refused: int
    p50_ms: float | None
    p95_ms: float | None
    in_flight: int
    waiting: int
    places: int
    spark: Sparkline
    views: Sequence[UserView]
    breakers: Sequence[tuple[ProcessStatus, BreakerStatus]]

    @property
    def word(self) -> str:
        """The state in a word."""
        if self.override:
            return self.override.replace("_", " ")
        return "paused" if self.is_paused and self.state == "closed" else self.state


def upstream_lines(found: Measurements) -> list[UpstreamLine]:
    """The lines of all upstreams."""
    users, answers, hurt = users_of(found.hour), parts(found.hour, "view"), parts(found.hour, "hurt")

    def views_of(service: str) -> list[UserView]:
        return [
            UserView(
                route=route_text(route),
                answers=sum(answers.get(route, {}).values()),
                whole=answers.get(route, {}).get("whole", 0),
                hurt=hurt.get(route, {}).get(service, 0),
            )
            for route in users.get(service, ())
        ]

    return [_line(name, found, views_of(name)) for name in SERVICES]


def _line(name: str, found: Measurements, views: Sequence[UserView]) -> UpstreamLine:
    breakers = [(status, status.breakers[name]) for status in found.processes if name in status.breakers]
    places = [status.places[name] for status in found.processes if name in status.places]
    states = [FORCED.get(breaker.override, breaker.state) for _, breaker in breakers]
    state = max((each for each in states if each in STATES), key=STATES.index, default="closed")
    there = [breaker.since for (_, breaker), each in zip(breakers, states, strict=True) if each == state]
    override = next((breaker.override for _, breaker in breakers if breaker.override in FORCED), "")
    calls, errors = part(found.recent, "call", name, "calls"), part(found.recent, "call", name, "errors")
    slow = part(found.recent, "call", name, "slow")
    is_paused = any(breaker.paused_seconds > 0 for _, breaker in breakers)
    return UpstreamLine(
        name=name,
        state=state,
        tone="fair" if is_paused and state == "closed" else TONES[state],
        since=min(there, default=0.0),
        override=override,
        is_paused=is_paused,
        calls=calls,
        calls_per_second=calls / found.recent_seconds,
        error_percent=100 * errors / calls if calls else 0.0,
        slow_percent=100 * slow / calls if calls else 0.0,
        refused=part(found.recent, "call", name, "refused") + part(found.recent, "why", name, "circuit_open"),
        p50_ms=quantile_ms(found.recent, name, 0.5),
        p95_ms=quantile_ms(found.recent, name, 0.95),
        in_flight=sum(each.in_flight for each in places),
        waiting=sum(each.waiting for each in places),
        places=sum(each.limit for each in places),
        spark=sparkline(
            [part(slice_, "call", name, "calls") / FINE.seconds for slice_ in found.fine[:-1]],
            [
                (part(slice_, "call", name, "errors") + part(slice_, "call", name, "slow")) / FINE.seconds
                for slice_ in found.fine[:-1]
            ],
        ),
        views=views,
        breakers=breakers,
    )
