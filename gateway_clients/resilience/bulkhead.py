"""Bounds the calls in flight to one upstream; calls that find no place wait in a queue."""

import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final

from gateway_clients.errors import UpstreamBusyError, UpstreamCrowdedError
from gateway_clients.resilience.concurrency_limit import ConcurrencyLimit
from gateway_clients.resilience.deadline import Clock, Deadline
from gateway_clients.resilience.pace import Pace

#: The share of its time within which a read's answer must be expected for it to wait: a late answer helps nobody.
HOPE_SHARE: Final = 0.75
#: Of this many places one is kept for writes.
KEPT_FOR_WRITES: Final = 6


class Place:
    """A place for one call, taken for as long as the block runs."""

    __slots__ = ("_bulkhead", "_wait_until")

    def __init__(self, bulkhead: "Bulkhead", wait_until: Deadline | None) -> None:
        self._bulkhead = bulkhead
        self._wait_until = wait_until

    def __enter__(self) -> None:
        self._bulkhead.enter(self._wait_until)

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._bulkhead.leave()


def _nobody() -> None:
    """Wakes nobody: the ticket's owner is not asleep yet."""


class Ticket:
    """A waiting call in a bulkhead's queue; `has_place` is True once it is its turn.

    The thread that gives the place on calls `wake`, which must not block.
    """

    __slots__ = ("has_place", "wake")

    def __init__(self, wake: Callable[[], object]) -> None:
        self.wake = wake
        self.has_place = False


class Bulkhead:
    """Bounds the calls in flight to one upstream, so that a slow one cannot take all threads. Thread-safe.

    The bound adapts to how fast the upstream answers, up to `limit`. A sixth of the places is kept for writes, which
    are served before reads too. Reads wait if the upstream's pace promises them a place in time. Waiting calls queue: a
    place that is given back goes to the first of them.
    """

    def __init__(
        self, service: str, limit: int, *, timeout_seconds: float = 2.0, clock: Clock = time.monotonic
    ) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._limit = ConcurrencyLimit(limit, clock=clock)
        self._kept_for_writes = limit // KEPT_FOR_WRITES
        self._pace = Pace(timeout_seconds, clock=clock)
        self._in_flight = 0
        self._writes: deque[Ticket] = deque()
        self._reads: deque[Ticket] = deque()

    @property
    def in_flight(self) -> int:
        """The number of calls under way."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """The number of calls that wait for a place."""
        return len(self._writes) + len(self._reads)

    @property
    def limit(self) -> int:
        """The present bound on calls under way."""
        return self._limit.value

    @property
    def is_overdue(self) -> bool:
        """Whether the calls in flight take far longer than usual, or the last ones had no answer."""
        with self._lock:
            return self._is_overdue

    @property
    def _is_overdue(self) -> bool:
        if self._pace.is_hanging:
            return True
        return self._in_flight > 0 and self._pace.silent_seconds >= self._pace.overdue_seconds

    @property
    def seconds_to_overdue(self) -> float:
        """Seconds after which the calls in flight are overdue, unless an answer comes before."""
        return max(0.0, self._pace.overdue_seconds - self._pace.silent_seconds)

    def place(self, wait_until: Deadline | None = None) -> Place:
        """Returns a context manager that takes a place by `enter` and gives it back by `leave`."""
        return Place(self, wait_until)

    def try_enter(self, *, is_read: bool = False) -> bool:
        """Takes a place if there is one. Whoever got it calls `leave`."""
        with self._lock:
            if not self._has_place(is_read=is_read):
                return False
            self._take()
            return True

    def enter(self, wait_until: Deadline | None = None) -> None:
        """Takes a place; calls that wait already come first. The caller calls `leave`.

        Raises UpstreamBusyError: at once, or once `wait_until` has passed.
        """
        if self.try_enter():
            return
        if wait_until is None:
            raise UpstreamBusyError(self._service)
        its_turn = threading.Event()
        ticket = self.queue(its_turn.set)
        try:
            its_turn.wait(wait_until.remaining_seconds)
            self.claim(ticket)
        except BaseException:
            self.drop(ticket)
            raise

    def queue(self, wake: Callable[[], object] = _nobody) -> Ticket:
        """Queues as a write, or takes a place at once. The caller ends the ticket by `claim` or `drop`."""
        with self._lock:
            return self._queued(Ticket(wake), self._writes)

    def queue_read(self, seconds: float) -> Ticket:
        """Queues as a read that has `seconds` for its wait and its call.

        Raises UpstreamBusyError while the calls in flight are overdue, UpstreamCrowdedError when its turn would come
        too late at the upstream's present pace.
        """
        with self._lock:
            if not self._has_place(is_read=True):
                if self._is_overdue:
                    raise UpstreamBusyError(self._service)
                places = max(1, self._limit.value - self._kept_for_writes)
                hope_seconds = seconds * HOPE_SHARE if self._pace.is_known else seconds
                if self._pace.seconds * (1 + (len(self._reads) + 1) / places) > hope_seconds:
                    raise UpstreamCrowdedError(self._service)
            return self._queued(Ticket(_nobody), self._reads)

    def _queued(self, ticket: Ticket, queue: deque[Ticket]) -> Ticket:
        if self._has_place(is_read=queue is self._reads):
            self._take()
            ticket.has_place = True
        else:
            queue.append(ticket)
        return ticket

    def _has_place(self, *, is_read: bool) -> bool:
        limit = self._limit.value
        return self._in_flight < (max(1, limit - self._kept_for_writes) if is_read else limit)

    def _take(self) -> None:
        self._in_flight += 1
        if self._in_flight == 1:
            self._pace.began()

    def claim(self, ticket: Ticket) -> None:
        """Takes the place that the ticket was given, which ends its wait. Raises UpstreamBusyError without one."""
        with self._lock:
            if not ticket.has_place:
                raise UpstreamBusyError(self._service)

    def drop(self, ticket: Ticket) -> None:
        """Leaves the queue, or gives back the place that the ticket was given."""
        with self._lock:
            if not ticket.has_place:
                (self._reads if ticket in self._reads else self._writes).remove(ticket)
                return
        self.leave()

    def leave(self, seconds: float | None = None, *, has_answered: bool = True) -> None:
        """Gives the place back, or on to the first waiting call.

        `seconds`: how long the upstream took to answer, or was waited for without an answer; None: neither.
        """
        with self._lock:
            if seconds is not None:
                self._learn(seconds, has_answered=has_answered)
            self._in_flight -= 1
            while (self._writes or self._reads) and self._has_place(is_read=not self._writes):
                ticket = (self._writes or self._reads).popleft()
                self._take()
                ticket.has_place = True
                ticket.wake()

    def _learn(self, seconds: float, *, has_answered: bool) -> None:
        if has_answered:
            self._pace.answered(seconds)
            self._limit.answered(seconds)
        elif self._pace.timed_out(seconds):
            self._limit.timed_out()
