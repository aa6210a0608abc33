"""Breakers and conf for tests that read as transcripts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pybreaker import CircuitBreakerListener

from gateway_clients.conf import UpstreamConf
from gateway_clients.errors import UpstreamBusyError, UpstreamCircuitOpenError
from gateway_clients.resilience.breaker import Breaker
from tests.support.clock import FakeClock


def conf(**own: Any) -> UpstreamConf:
    """An upstream's settings with the documented defaults, but for what a test says."""
    defaults: dict[str, Any] = {
        "name": "claims",
        "base_url": "http://claims.test",
        "service_token": "",
        "timeout_seconds": 2.0,
        "connect_seconds": 0.5,
        "max_bytes": 5_000_000,
        "bulkhead_limit": 12,
        "breaker_failures": 5,
        "breaker_open_seconds": 60.0,
        "breaker_window_seconds": 10.0,
        "breaker_min_calls": 20,
        "breaker_failure_rate": 0.5,
        "breaker_slow_seconds": 1.5,
        "retry_budget": 0.1,
    }
    return UpstreamConf(**{**defaults, **own})


@dataclass(frozen=True)
class Trips(CircuitBreakerListener):
    """Writes down which breakers opened by themselves or by hand while they were closed."""

    heard: list[str]

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
        if (old_state.name, new_state.name) == ("closed", "open"):
            self.heard.append(cb.name)


@dataclass(slots=True)
class Story:
    """A breaker with a clock of its own, told in steps."""

    own_conf: dict[str, Any] = field(default_factory=dict)
    may_probe: Callable[[str], bool] = lambda _: True
    clock: FakeClock = field(default_factory=FakeClock)
    trips: list[str] = field(default_factory=list)
    ended_probes: list[str] = field(default_factory=list)
    breaker: Breaker = field(init=False)

    def __post_init__(self) -> None:
        self.breaker = Breaker(
            conf(**self.own_conf),
            clock=self.clock,
            listeners=[Trips(self.trips)],
            may_probe=self.may_probe,
            on_probe_end=self.ended_probes.append,
        )

    @property
    def state(self) -> str:
        return str(self.breaker.current_state)

    def calls(self, outcomes: str, seconds: float = 0.1) -> str:
        """Makes calls in turn: `+` succeeds, `-` fails, `~` says nothing. Tells the states after each."""
        states = ""
        for outcome in outcomes:
            permit = self.breaker.admit()
            match outcome:
                case "+":
                    permit.succeeded(seconds)
                case "-":
                    permit.failed(seconds)
                case "~":
                    permit.ignored()
            states += self.state[0]
        return states

    def refusal(self) -> UpstreamCircuitOpenError | UpstreamBusyError:
        """How the next call is refused; fails when it is not."""
        try:
            self.breaker.admit()
        except (UpstreamCircuitOpenError, UpstreamBusyError) as error:
            return error
        raise AssertionError("the call was admitted")
