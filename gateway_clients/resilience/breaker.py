"""One breaker for each upstream: pybreaker's states, with the lock around the bookkeeping only, never around the call.

    permit = breaker.admit()          # or UpstreamCircuitOpenError / UpstreamBusyError: not called
    ...                               # the call, side by side with others
    permit.succeeded(seconds)         # or .failed(seconds), .ignored()

It opens at its fifth failure in a row, or when half of at least 20 calls of the last 10 s failed or were slow; after
60 s it is half-open and lets one probe through at a time. An outcome that began under an earlier state changes nothing.
"""

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec
import pybreaker

from gateway_clients.conf import UpstreamConf
from gateway_clients.errors import UpstreamBusyError, UpstreamCircuitOpenError
from gateway_clients.resilience.deadline import Clock
from gateway_clients.resilience.sliding_window import SlidingWindow

R = TypeVar("R")

#: Seconds of a pause when a 429 names none, and at least.
SHORTEST_PAUSE_SECONDS: Final = 1.0


class Override(StrEnum):
    """What staff may say of a breaker."""

    NORMAL = "normal"
    FORCED_OPEN = "forced_open"
    FORCED_CLOSED = "forced_closed"


class LastAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How a call ended, when (on the breaker's clock), and how many seconds it took."""

    has_failed: bool
    at: float
    seconds: float


class Permit(msgspec.Struct, frozen=True, eq=False):
    """The leave to make one call; at its end exactly one of the methods is to be called. Durations in seconds.

    All calls of one generation that are no probe have the same.
    """

    breaker: "Breaker"
    generation: int
    is_probe: bool = False

    def succeeded(self, seconds: float) -> None:
        """The upstream answered; a 4xx is an answer."""
        self.breaker._settle(self, seconds, has_failed=False)

    def failed(self, seconds: float) -> None:
        """A timeout, a refused or dropped connection, a 5xx, an answer that does not parse."""
        self.breaker._settle(self, seconds, has_failed=True)

    def ignored(self) -> None:
        """The call ended for a reason that says nothing of the upstream."""
        self.breaker._give_back(self)


class Breaker(pybreaker.CircuitBreaker):
    """A circuit breaker whose clock is an argument. `on_trip` is called, outside the lock, when it opens by itself.

    `on_pause` hears, outside the lock too, for how many seconds an upstream is to be left alone.
    `may_probe` is asked before a probe whether no other process is at it, `on_probe_end` hears that it is over.
    """

    def __init__(
        self,
        conf: UpstreamConf,
        *,
        clock: Clock = time.monotonic,
        on_trip: Callable[[str], None] = lambda _: None,
        on_pause: Callable[[str, float], None] = lambda _service, _seconds: None,
        may_probe: Callable[[str], bool] = lambda _: True,
        on_probe_end: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._storage = pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)
        super().__init__(
            state_storage=self._storage,
            fail_max=conf.breaker_failures,
            reset_timeout=conf.breaker_open_seconds,
            name=conf.name,
            throw_new_error_on_trip=False,
        )
        self._conf = conf
        self._clock = clock
        self._on_trip = on_trip
        self._on_pause = on_pause
        self._may_probe = may_probe
        self._on_probe_end = on_probe_end
        self._window = SlidingWindow(conf.breaker_window_seconds)
        self._permit = Permit(self, 0)
        self._is_closed = True
        self._failures = 0
        self._changed_at = clock()
        self._probe: Permit | None = None
        self._probe_until = 0.0
        self._paused_until = 0.0
        self._override = Override.NORMAL
        self._last_answer: LastAnswer | None = None

    @property
    def fail_counter(self) -> int:
        """Failures in a row."""
        return self._failures

    @property
    def override(self) -> Override:
        """What staff said of it."""
        return self._override

    @property
    def changed_seconds_ago(self) -> float:
        """Seconds since its state changed."""
        return max(0.0, float(self._clock() - self._changed_at))

    @property
    def paused_seconds(self) -> float:
        """Seconds that are left of a pause the upstream asked for."""
        return max(0.0, self._paused_until - self._clock())

    @property
    def last_answer(self) -> LastAnswer | None:
        """How the last call that says something of the upstream ended; None before the first."""
        return self._last_answer

    @property
    def is_hanging(self) -> bool:
        """Whether the last call failed, and took as long as a slow one before it did."""
        last = self._last_answer
        return last is not None and last.has_failed and last.seconds >= self._hanging_seconds

    @property
    def _hanging_seconds(self) -> float:
        return min(self._conf.breaker_slow_seconds, self._conf.timeout_seconds)

    def seconds_since(self, answer: LastAnswer) -> float:
        """Seconds since that answer."""
        return max(0.0, self._clock() - answer.at)

    @property
    def probe_seconds(self) -> float:
        """Seconds that a probe may take."""
        return self._conf.timeout_seconds + self._conf.connect_seconds

    def admit(self) -> Permit:
        """The leave to call. Raises UpstreamCircuitOpenError, or UpstreamBusyError while the upstream wants a pause."""
        with self._lock:
            now = self._clock()
            if self._override is Override.FORCED_OPEN:
                raise UpstreamCircuitOpenError(self._conf.name, retry_after_seconds=self._conf.breaker_open_seconds)
            if now < self._paused_until:
                raise UpstreamBusyError(self._conf.name, retry_after_seconds=self._paused_until - now)
            if self._is_closed or self._override is Override.FORCED_CLOSED:
                return self._permit
            self._require_probe_time(now)
            if self.current_state == pybreaker.STATE_OPEN:
                self._move(pybreaker.STATE_HALF_OPEN)
            self._probe_until = now + self.probe_seconds
            self._probe = permit = Permit(self, self._permit.generation, is_probe=True)
        if not self._may_probe(self._conf.name):
            self._end_probe(permit, next_in_seconds=SHORTEST_PAUSE_SECONDS)
            raise UpstreamCircuitOpenError(self._conf.name, retry_after_seconds=SHORTEST_PAUSE_SECONDS)
        return permit

    def _require_probe_time(self, now: float) -> None:
        if self.current_state == pybreaker.STATE_OPEN:
            left = self._changed_at + self._conf.breaker_open_seconds - now
            if left > 0:
                raise UpstreamCircuitOpenError(self._conf.name, retry_after_seconds=left)
        elif now < self._probe_until:
            raise UpstreamCircuitOpenError(self._conf.name, retry_after_seconds=SHORTEST_PAUSE_SECONDS)

    def _settle(self, permit: Permit, seconds: float, *, has_failed: bool) -> None:
        self._last_answer = LastAnswer(has_failed=has_failed, at=self._clock(), seconds=seconds)
        has_tripped = self._count(permit, seconds, has_failed=has_failed)
        if permit.is_probe:
            self._give_back(permit)
        if has_tripped:
            self._on_trip(self._conf.name)

    def _count(self, permit: Permit, seconds: float, *, has_failed: bool) -> bool:
        """Whether it tripped."""
        with self._lock:
            if permit.generation != self._permit.generation:
                return False
            now = self._clock()
            is_slow = seconds >= self._conf.breaker_slow_seconds
            self._window.add(now, is_bad=has_failed or is_slow)
            self._failures = self._failures + 1 if has_failed else 0
            if permit.is_probe:
                self._move(pybreaker.STATE_OPEN if has_failed else pybreaker.STATE_CLOSED)
                return False
            has_tripped = self._override is Override.NORMAL and self._is_too_bad(now)
            if has_tripped:
                self._move(pybreaker.STATE_OPEN)
            return has_tripped

    def _is_too_bad(self, now: float) -> bool:
        if self._failures >= self._conf.breaker_failures:
            return True
        calls, bad = self._window.totals(now)
        return calls >= self._conf.breaker_min_calls and bad / calls >= self._conf.breaker_failure_rate

    def _give_back(self, permit: Permit) -> None:
        if self._end_probe(permit):
            self._on_probe_end(self._conf.name)

    def _end_probe(self, permit: Permit, *, next_in_seconds: float = 0.0) -> bool:
        """Makes room for the next probe; False: this was none, or one whose time was over, and another is at it."""
        with self._lock:
            if self._probe is not permit:
                return False
            self._probe = None
            self._probe_until = self._clock() + next_in_seconds
            return True

    def _move(self, state: str) -> None:
        """To another state: earlier outcomes no longer count."""
        self._permit = Permit(self, self._permit.generation + 1)
        self._is_closed = state == pybreaker.STATE_CLOSED
        if self._is_closed:
            self._failures = 0
        self._changed_at = self._clock()
        self._probe_until = 0.0
        self._window.clear()
        self._storage.state = state
        self.state = state

    def witness(self, seconds: float) -> None:
        """Somebody has waited for so long, in vain, for a call that stood for theirs: a failure, as if they had asked.

        Nothing once they waited for less than a call that is slow, and while it is not closed.
        """
        permit = self._permit
        if self._is_closed and seconds >= self._hanging_seconds:
            self._settle(permit, seconds, has_failed=True)

    def pause(self, seconds: float | None) -> float:
        """No call before that many seconds: the upstream answered 429. Clamped to 1 s … `BREAKER_OPEN_SECONDS`.

        Returns for how long it is.
        """
        wanted = SHORTEST_PAUSE_SECONDS if seconds is None else seconds
        clamped = min(max(wanted, SHORTEST_PAUSE_SECONDS), self._conf.breaker_open_seconds)
        self.hear_pause(clamped)
        self._on_pause(self._conf.name, clamped)
        return clamped

    def hear_pause(self, seconds: float) -> None:
        """The upstream told another process to pause, and so much of it is left; at most `BREAKER_OPEN_SECONDS`."""
        with self._lock:
            left = min(seconds, self._conf.breaker_open_seconds)
            self._paused_until = max(self._paused_until, self._clock() + left)

    def suspect(self) -> None:
        """Another process's breaker of this upstream tripped: half-open, so that one probe tells."""
        with self._lock:
            if self.current_state == pybreaker.STATE_CLOSED and self._override is not Override.FORCED_CLOSED:
                self._move(pybreaker.STATE_HALF_OPEN)

    def set_override(self, override: Override) -> None:
        """What staff say; the state below it goes on from where it was, closed after a forced closing."""
        with self._lock:
            if override is self._override:
                return
            self._override = override
            self._move(pybreaker.STATE_CLOSED if override is Override.FORCED_CLOSED else self.current_state)

    def reset(self) -> None:
        """Closed, with nothing counted and no pause."""
        with self._lock:
            self._paused_until = 0.0
            self._move(pybreaker.STATE_CLOSED)

    def open(self) -> bool:
        """Opens it now."""
        with self._lock:
            self._move(pybreaker.STATE_OPEN)
        return False

    def half_open(self) -> None:
        """The next call is a probe."""
        with self._lock:
            self._move(pybreaker.STATE_HALF_OPEN)

    def close(self) -> None:
        """Closes it."""
        with self._lock:
            self._move(pybreaker.STATE_CLOSED)

    def call(self, func: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        """Calls `func` as the state allows; the lock is not held meanwhile."""
        permit = self.admit()
        started_at = self._clock()
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            settle = permit.failed if self.is_system_error(error) else permit.succeeded
            settle(self._clock() - started_at)
            raise
        except BaseException:
            permit.ignored()
            raise
        permit.succeeded(self._clock() - started_at)
        return result
