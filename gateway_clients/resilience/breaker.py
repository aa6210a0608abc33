"""One circuit breaker for each upstream: pybreaker's, but its lock covers the bookkeeping and never the call.

    permit = breaker.admit()          # or UpstreamCircuitOpenError / UpstreamBusyError: not called
    ...                               # the call, side by side with others
    permit.succeeded(seconds)         # or .failed(seconds), .ignored()

pybreaker's own ways (`call`, `calling`, the decorator) do the same around a function. See `breaker_state` for when it
opens and closes.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from types import GeneratorType
from typing import Any, Final, TypeVar

import pybreaker
from pybreaker import CircuitBreakerListener, CircuitBreakerStorage

from gateway_clients.conf import UpstreamConf
from gateway_clients.errors import UpstreamCircuitOpenError
from gateway_clients.resilience.breaker_events import tell
from gateway_clients.resilience.breaker_state import SHORTEST_PAUSE_SECONDS, BreakerState, Override
from gateway_clients.resilience.deadline import Clock
from gateway_clients.resilience.permit import Permit

__all__ = ["Breaker", "Override", "Permit"]

R = TypeVar("R")
#: Seconds that an open breaker leaves between two probes of a caller that may probe early.
EARLY_PROBE_SECONDS: Final = 2.0


def upstream_call() -> None:
    """Takes the place of the called function in what listeners are told of a pipeline's call."""


class Breaker(BreakerState):
    """The breaker of one upstream.

    `on_pause` is called with the seconds for which an upstream asked to be left alone. `may_probe` is called before a
    probe and returns whether no other process probes; `on_probe_end` is called once the probe is over. None of them is
    called under the lock.
    """

    def __init__(
        self,
        conf: UpstreamConf,
        *,
        clock: Clock = time.monotonic,
        listeners: Sequence[CircuitBreakerListener] = (),
        state_storage: CircuitBreakerStorage | None = None,
        on_pause: Callable[[str, float], None] = lambda _service, _seconds: None,
        may_probe: Callable[[str], bool] = lambda _: True,
        on_probe_end: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._on_pause = on_pause
        self._may_probe = may_probe
        self._on_probe_end = on_probe_end
        super().__init__(conf, clock=clock, listeners=listeners, state_storage=state_storage)

    def admit(
        self, func: Callable[..., Any] = upstream_call, *args: Any, may_probe_early: bool = False, **kwargs: Any
    ) -> Permit:
        """Returns the permit for one call. Raises UpstreamCircuitOpenError, or UpstreamBusyError during a pause (429).

        `may_probe_early`: the call may be the probe of an open breaker `EARLY_PROBE_SECONDS` after it opened, for a
        caller that has to know of the upstream's return within seconds. Listeners are told of `func` and its arguments.
        """
        try:
            permit = self._admitted(EARLY_PROBE_SECONDS if may_probe_early else self.reset_timeout)
        finally:
            self._tell_changes()
        if permit.is_probe and not self._may_probe(self._conf.name):
            self._end_probe(permit, next_in_seconds=SHORTEST_PAUSE_SECONDS)
            raise UpstreamCircuitOpenError(self._conf.name, retry_after_seconds=SHORTEST_PAUSE_SECONDS)
        if self._events.before_call:
            tell(self._events.before_call, self, func, *args, **kwargs)
        return permit

    def give_back(self, permit: Permit) -> None:
        """Ends a permit without an outcome; another process may probe from then on."""
        if self._end_probe(permit):
            self._on_probe_end(self._conf.name)

    def witness(self, seconds: float) -> None:
        """Counts a failure for a caller who shared another's call and waited `seconds` without an answer.

        Nothing is counted for a wait that is shorter than a slow call, nor while the breaker is not closed.
        """
        permit = self._permit
        if self._is_closed and seconds >= self._outcomes.hanging_seconds:
            permit.failed(seconds)

    def pause(self, seconds: float | None) -> float:
        """Refuses calls for `seconds`, because the upstream answered 429; clamped to 1 s … `BREAKER_OPEN_SECONDS`.

        Returns the length of the pause in seconds.
        """
        wanted = SHORTEST_PAUSE_SECONDS if seconds is None else seconds
        clamped = min(max(wanted, SHORTEST_PAUSE_SECONDS), self._conf.breaker_open_seconds)
        self.hear_pause(clamped)
        self._on_pause(self._conf.name, clamped)
        return clamped

    def hear_pause(self, seconds: float) -> None:
        """Takes over the rest, in seconds, of another process's pause; at most `BREAKER_OPEN_SECONDS`."""
        with self._guard:
            left = min(seconds, self._conf.breaker_open_seconds)
            self._paused_until = max(self._paused_until, self._clock() + left)

    def suspect(self) -> None:
        """Half-opens a closed breaker because another process's tripped: one probe decides."""
        with self._guard:
            if self._is_closed and self._override is not Override.FORCED_CLOSED:
                self._move(pybreaker.STATE_HALF_OPEN)
        self._tell_changes()

    def set_override(self, override: Override) -> None:
        """Applies staff's override. The state below it goes on from where it was, closed after a forced closing."""
        with self._guard:
            if override is self._override:
                return
            self._override = override
            self._move(pybreaker.STATE_CLOSED if override is Override.FORCED_CLOSED else self._shown.name)
        self._tell_changes()

    def reset(self) -> None:
        """Closes the breaker and forgets its counts and its pause."""
        with self._guard:
            self._paused_until = 0.0
        self._go(pybreaker.STATE_CLOSED)

    def open(self) -> bool:
        """Opens the breaker. Returns False: a call that trips it raises no error of the breaker's own."""
        self._go(pybreaker.STATE_OPEN)
        return False

    def half_open(self) -> None:
        """Half-opens the breaker: the next call is a probe."""
        self._go(pybreaker.STATE_HALF_OPEN)

    def close(self) -> None:
        """Closes the breaker, as pybreaker's `close` does."""
        self._go(pybreaker.STATE_CLOSED)

    def call(self, func: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        """Calls `func` as the state allows; the lock is not held meanwhile. A generator's call lasts until its end."""
        permit = self.admit(func, *args, **kwargs)
        began_at = self._clock()
        with self._settled(permit, began_at, is_to_be_continued=True):
            result = func(*args, **kwargs)
            if not isinstance(result, GeneratorType):
                permit.succeeded(self._clock() - began_at)
                return result
        return self._generated(permit, began_at, result)  # type: ignore[return-value]

    def _generated(
        self, permit: Permit, began_at: float, generator: Generator[Any, Any, Any]
    ) -> Generator[Any, Any, Any]:
        with self._settled(permit, began_at):
            return (yield from generator)

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Does for a block what `call` does for a function."""
        permit = self.admit()
        with self._settled(permit, self._clock()):
            yield

    @contextmanager
    def _settled(self, permit: Permit, began_at: float, *, is_to_be_continued: bool = False) -> Iterator[None]:
        """Ends the permit with the outcome of the block."""
        try:
            yield
        except Exception as error:
            seconds = self._clock() - began_at
            if self.is_system_error(error):
                permit.failed(seconds, error)
            else:
                permit.succeeded(seconds)
            raise
        except BaseException:
            permit.ignored()
            raise
        if not is_to_be_continued:
            permit.succeeded(self._clock() - began_at)
