"""The state of a breaker: which calls it permits, and how an outcome changes it.

It opens at its fifth failure in a row, or when half of at least 20 calls of the last 10 s failed or were slow; after
60 s it is half-open and lets one probe through at a time. An outcome that began under an earlier state changes nothing.
"""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, cast

import pybreaker
from pybreaker import CircuitBreakerListener, CircuitBreakerStorage, CircuitMemoryStorage

from gateway_clients.conf import UpstreamConf
from gateway_clients.errors import (
    UpstreamBusyError,
    UpstreamCircuitOpenError,
    UpstreamRejectedError,
)
from gateway_clients.resilience.breaker_events import BreakerEvents, tell
from gateway_clients.resilience.deadline import Clock
from gateway_clients.resilience.outcome_record import LastAnswer, OutcomeRecord
from gateway_clients.resilience.permit import Permit, PermitIssuer
from gateway_clients.resilience.probe_slot import ProbeSlot

#: Seconds of a pause when a 429 names none, and at least.
SHORTEST_PAUSE_SECONDS: Final = 1.0
STATES: Final[dict[str, Any]] = {
    pybreaker.STATE_CLOSED: pybreaker.CircuitClosedState,
    pybreaker.STATE_OPEN: pybreaker.CircuitOpenState,
    pybreaker.STATE_HALF_OPEN: pybreaker.CircuitHalfOpenState,
}


class Override(StrEnum):
    """A state that staff force upon a breaker, or none."""

    NORMAL = "normal"
    FORCED_OPEN = "forced_open"
    FORCED_CLOSED = "forced_closed"


class BreakerState(pybreaker.CircuitBreaker):
    """The bookkeeping of a breaker, whose clock is an argument; the lock is held for no call and no listener.

    A `state_storage` that is given is looked at before each call, so that others may change its state.
    """

    def __init__(
        self,
        conf: UpstreamConf,
        *,
        clock: Clock,
        listeners: Sequence[CircuitBreakerListener],
        state_storage: CircuitBreakerStorage | None,
    ) -> None:
        self._storage = state_storage or CircuitMemoryStorage(pybreaker.STATE_CLOSED)
        super().__init__(
            state_storage=self._storage,
            fail_max=conf.breaker_failures,
            reset_timeout=conf.breaker_open_seconds,
            name=conf.name,
            exclude=[UpstreamRejectedError],
            listeners=listeners,
            throw_new_error_on_trip=False,
        )
        self._conf = conf
        self._clock = clock
        self._guard = threading.RLock()
        self._events = BreakerEvents(self.listeners)
        self._changes: list[tuple[Any, Any]] = []
        self._is_shared = state_storage is not None
        self._outcomes = OutcomeRecord(conf)
        self._permit = self._new_permit(0)
        self._shown = STATES[pybreaker.STATE_CLOSED](self)
        self._is_closed = True
        self._changed_at = clock()
        self._probe = ProbeSlot()
        self._paused_until = 0.0
        self._override = Override.NORMAL
        self._adopt()
        self._changes.clear()

    @property
    def state(self) -> Any:
        """pybreaker's object for the current state, which has a `name`."""
        return self._shown

    @state.setter
    def state(self, name: str) -> None:
        self._go(name)

    @property
    def is_closed(self) -> bool:
        """Whether the breaker, overrides aside, is closed."""
        return self._is_closed

    @property
    def override(self) -> Override:
        """Staff's override; NORMAL where there is none."""
        return self._override

    @property
    def changed_seconds_ago(self) -> float:
        """Seconds since the state changed last."""
        return max(0.0, float(self._clock() - self._changed_at))

    @property
    def paused_seconds(self) -> float:
        """Seconds left of the pause that the upstream asked for; 0.0 without one."""
        return max(0.0, self._paused_until - self._clock())

    @property
    def last_answer(self) -> LastAnswer | None:
        """The last outcome that was counted; None before the first."""
        return self._outcomes.last

    @property
    def is_hanging(self) -> bool:
        """Whether the last call failed after at least the time of a slow call."""
        return self._outcomes.is_hanging

    def seconds_since(self, answer: LastAnswer) -> float:
        """Seconds that have passed since `answer`."""
        return max(0.0, self._clock() - answer.at)

    @property
    def probe_seconds(self) -> float:
        """Seconds after which a probe is no longer waited for."""
        return self._conf.timeout_seconds + self._conf.connect_seconds

    def add_listener(self, listener: CircuitBreakerListener) -> None:
        """Adds a pybreaker listener, as pybreaker does."""
        super().add_listener(listener)
        self._events = BreakerEvents(self.listeners)

    def remove_listener(self, listener: CircuitBreakerListener) -> None:
        """Removes a pybreaker listener, as pybreaker does."""
        super().remove_listener(listener)
        self._events = BreakerEvents(self.listeners)

    def _admitted(self, open_seconds: float) -> Permit:
        with self._guard:
            now = self._clock()
            if self._is_shared:
                self._adopt()
            if self._override is Override.FORCED_OPEN:
                raise UpstreamCircuitOpenError(self._conf.name, retry_after_seconds=self.reset_timeout)
            if now < self._paused_until:
                raise UpstreamBusyError(self._conf.name, retry_after_seconds=self._paused_until - now)
            if self._is_closed or self._override is Override.FORCED_CLOSED:
                return self._permit
            self._require_probe_time(now, open_seconds)
            if self._shown.name == pybreaker.STATE_OPEN:
                self._move(pybreaker.STATE_HALF_OPEN)
            permit = self._new_permit(self._permit.generation, is_probe=True)
            self._probe.take(permit, until=now + self.probe_seconds)
            return permit

    def _require_probe_time(self, now: float, open_seconds: float) -> None:
        if self._shown.name == pybreaker.STATE_OPEN:
            left = self._changed_at + open_seconds - now
            if left > 0:
                raise UpstreamCircuitOpenError(self._conf.name, retry_after_seconds=left)
        elif self._probe.is_taken(now):
            raise UpstreamCircuitOpenError(self._conf.name, retry_after_seconds=SHORTEST_PAUSE_SECONDS)

    def settle(self, permit: Permit, seconds: float, error: BaseException | None) -> None:
        """Counts the outcome of a call that took `seconds`; `error` is None for an answer."""
        has_failed = error is not None
        self._outcomes.last = LastAnswer(has_failed=has_failed, at=self._clock(), seconds=seconds)
        self._count(permit, seconds, has_failed=has_failed)
        if permit.is_probe:
            self.give_back(permit)
        if has_failed:
            tell(self._events.failure, self, error)
        elif self._events.success:
            tell(self._events.success, self)
        self._tell_changes()

    def _count(self, permit: Permit, seconds: float, *, has_failed: bool) -> None:
        with self._guard:
            if permit.generation != self._permit.generation:
                return
            now = self._clock()
            self._outcomes.add(now, seconds, has_failed=has_failed)
            if has_failed:
                self._storage.increment_counter()
            else:
                self._storage.reset_counter()
            if permit.is_probe:
                self._judge_probe(has_failed=has_failed)
            elif self._override is Override.NORMAL and (
                (has_failed and self.fail_counter >= self.fail_max) or self._outcomes.is_too_bad(now)
            ):
                self._move(pybreaker.STATE_OPEN)

    def _judge_probe(self, *, has_failed: bool) -> None:
        if has_failed:
            self._move(pybreaker.STATE_OPEN)
            return
        self._storage.increment_success_counter()
        if self.success_counter >= self.success_threshold:
            self._move(pybreaker.STATE_CLOSED)

    def give_back(self, permit: Permit) -> None:
        """Ends a permit without counting an outcome."""
        self._end_probe(permit)

    def _end_probe(self, permit: Permit, *, next_in_seconds: float = 0.0) -> bool:
        """Makes room for the next probe; False: this was none, or one whose time was over, and another is at it."""
        with self._guard:
            return self._probe.leave(permit, next_at=self._clock() + next_in_seconds)

    def _adopt(self) -> None:
        """Takes over the state, and the time of opening, that another process wrote into the storage."""
        state = self._storage.state
        if state == self._shown.name:
            return
        self._enter(state)
        opened_at = self._storage.opened_at
        if state == pybreaker.STATE_OPEN and opened_at is not None:
            self._changed_at -= max(0.0, (datetime.now(UTC) - opened_at).total_seconds())

    def _move(self, state: str) -> None:
        """Changes the state, here and in the storage."""
        if state == pybreaker.STATE_CLOSED:
            self._storage.reset_counter()
        self._storage.reset_success_counter()
        if state == pybreaker.STATE_OPEN:
            self._storage.opened_at = datetime.now(UTC)
        self._storage.state = state
        self._enter(state)

    def _new_permit(self, generation: int, *, is_probe: bool = False) -> Permit:
        return Permit(cast(PermitIssuer, self), generation, is_probe)

    def _enter(self, state: str) -> None:
        """Begins a new generation: outcomes of earlier calls no longer count."""
        if state != self._shown.name:
            before, self._shown = self._shown, STATES[state](self, prev_state=self._shown)
            self._changes.append((before, self._shown))
        self._permit = self._new_permit(self._permit.generation + 1)
        self._is_closed = state == pybreaker.STATE_CLOSED
        self._changed_at = self._clock()
        self._probe.clear()
        self._outcomes.clear()

    def _tell_changes(self) -> None:
        while self._changes:
            with self._guard:
                changes, self._changes = self._changes, []
            for before, after in changes:
                tell(self._events.state_change, self, before, after)

    def _go(self, state: str) -> None:
        with self._guard:
            self._move(state)
        self._tell_changes()
