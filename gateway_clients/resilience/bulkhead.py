"""Limits of calls in flight: of one upstream, and of requests of a process that wait on upstreams."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from gateway_clients.errors import GatewayOverloadedError, UpstreamBusyError
from gateway_clients.resilience.deadline import Deadline


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
    """Whom a ticket wakes as long as nobody sleeps."""


class Ticket:
    """One who waits in a bulkhead's queue; `has_place` once it is their turn.

    `wake` is called then, by whoever left; it must not wait.
    """

    __slots__ = ("has_place", "wake")

    def __init__(self, wake: Callable[[], object]) -> None:
        self.wake = wake
        self.has_place = False


class Bulkhead:
    """So many calls in flight to one upstream, so that a slow one cannot take all threads.

    Who waits stands in a queue: a place that is given back goes to the first of it.
    """

    def __init__(self, service: str, limit: int) -> None:
        self._service = service
        self._limit = limit
        self._lock = threading.Lock()
        self._in_flight = 0
        self._queue: deque[Ticket] = deque()

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """Calls that wait for a place."""
        return len(self._queue)

    def place(self, wait_until: Deadline | None = None) -> Place:
        """A place for one call, as `enter` takes it and `leave` gives it back."""
        return Place(self, wait_until)

    def try_enter(self) -> bool:
        """Takes a place if there is one. Whoever got it calls `leave`."""
        with self._lock:
            if self._in_flight >= self._limit:
                return False
            self._in_flight += 1
            return True

    def enter(self, wait_until: Deadline | None = None) -> None:
        """Takes a place; those that wait come first. Whoever got it calls `leave`.

        Raises UpstreamBusyError: at once, or where a deadline is given when that has passed.
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
        """Stands in the queue, or has a place at once. Whoever got the ticket calls `claim`, or else `drop`."""
        ticket = Ticket(wake)
        with self._lock:
            if self._in_flight < self._limit:
                self._in_flight += 1
                ticket.has_place = True
            else:
                self._queue.append(ticket)
        return ticket

    def claim(self, ticket: Ticket) -> None:
        """Takes the place that it was given; after that nobody wakes it any more. Raises UpstreamBusyError."""
        with self._lock:
            if not ticket.has_place:
                raise UpstreamBusyError(self._service)

    def drop(self, ticket: Ticket) -> None:
        """Leaves the queue, or the place that it was given."""
        with self._lock:
            if not ticket.has_place:
                self._queue.remove(ticket)
                return
        self.leave()

    def leave(self) -> None:
        """Gives the place back, or on to the first who waits."""
        with self._lock:
            if not self._queue:
                self._in_flight -= 1
                return
            ticket = self._queue.popleft()
            ticket.has_place = True
            ticket.wake()


class Followers:
    """Those of a process that wait for calls of others to one upstream.

    While the upstream is well, `most` of them may wait, so that a crowd is served whole;
    whoever comes beyond is shed. While it is in trouble, `share` of them may, so that other
    reads find threads.
    """

    def __init__(self, service: str, *, most: int, share: int, is_in_trouble: Callable[[], bool]) -> None:
        self._service = service
        self._most = max(1, most)
        self._share = max(1, share)
        self._is_in_trouble = is_in_trouble
        self._lock = threading.Lock()
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._waiting

    @contextmanager
    def following(self) -> Iterator[None]:
        """While one waits.

        Raises GatewayOverloadedError when too many wait already, UpstreamBusyError when the
        upstream is in trouble and its share is taken.
        """
        with self._lock:
            if self._waiting >= self._share and self._is_in_trouble():
                raise UpstreamBusyError(self._service)
            if self._waiting >= self._most:
                raise GatewayOverloadedError
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1


class Admission:
    """So many requests of this process may wait on upstreams; the rest are shed at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """Requests that wait."""
        return self._waiting

    def try_enter(self) -> bool:
        """Takes a place if there is one. Whoever got it calls `leave`."""
        with self._lock:
            if self._waiting >= self._limit:
                return False
            self._waiting += 1
            return True

    @contextmanager
    def aside(self) -> Iterator[None]:
        """For as long as one who has a place waits for another's call, others may have the place.

        It is taken back whether or not there is room: whoever comes back only says what came of it.
        """
        self.leave()
        try:
            yield
        finally:
            with self._lock:
                self._waiting += 1

    def enter(self) -> None:
        """Takes a place. Raises GatewayOverloadedError when there is none."""
        if not self.try_enter():
            raise GatewayOverloadedError

    def leave(self) -> None:
        """Gives the place back."""
        with self._lock:
            self._waiting -= 1
