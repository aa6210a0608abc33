"""Bounds how many requests of a process wait on upstreams, and how many on the calls of others."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway_clients.errors import GatewayOverloadedError, UpstreamBusyError


class Followers:
    """Bounds the reads that wait for other requests' calls to one upstream. Thread-safe.

    While the upstream is well, `most` of them may wait, so that a crowd is served whole; further ones are shed. While
    it is in trouble, `share` of them may, so that other reads find threads.
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
        """The number of reads that wait."""
        return self._waiting

    @contextmanager
    def following(self) -> Iterator[None]:
        """Counts a read that waits while the block runs.

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
    """Bounds the requests of this process that wait on upstreams; further ones are shed at once. Thread-safe."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """The number of requests that wait."""
        return self._waiting

    def try_enter(self) -> bool:
        """Takes a place and returns True, if there is one. The caller calls `leave`."""
        with self._lock:
            if self._waiting >= self._limit:
                return False
            self._waiting += 1
            return True

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Gives the place of a request to others while the block, a wait for another's call, runs.

        The place is taken back whether or not there is room: the request has only to be answered.
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
