"""Limits of calls in flight: of one upstream, and of requests of a process that wait on upstreams."""

import threading
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


class Bulkhead:
    """So many calls in flight to one upstream, so that a slow one cannot take all threads."""

    def __init__(self, service: str, limit: int) -> None:
        self._service = service
        self._limit = limit
        # A condition's own `with` goes through Python, that of its lock does not.
        self._lock = threading.RLock()
        self._condition = threading.Condition(self._lock)
        self._in_flight = 0
        self._waiting = 0

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """Writes that wait for a place."""
        return self._waiting

    def place(self, wait_until: Deadline | None = None) -> Place:
        """A place for one call, as `enter` takes it and `leave` gives it back."""
        return Place(self, wait_until)

    def enter(self, wait_until: Deadline | None = None) -> None:
        """Takes a place; those that wait come first. Whoever got it calls `leave`.

        Raises UpstreamBusyError: at once, or where a deadline is given when that has passed.
        """
        with self._lock:
            if not (self._in_flight + self._waiting < self._limit if wait_until is None else self._wait(wait_until)):
                raise UpstreamBusyError(self._service)
            self._in_flight += 1

    def leave(self) -> None:
        """Gives the place back."""
        with self._lock:
            self._in_flight -= 1
            if self._waiting:
                self._condition.notify()

    def _wait(self, deadline: Deadline) -> bool:
        self._waiting += 1
        try:
            return self._condition.wait_for(lambda: self._in_flight < self._limit, deadline.remaining_seconds)
        finally:
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

    def enter(self) -> None:
        """Takes a place. Raises GatewayOverloadedError when there is none."""
        if not self.try_enter():
            raise GatewayOverloadedError

    def leave(self) -> None:
        """Gives the place back."""
        with self._lock:
            self._waiting -= 1
