"""The queue in which a process hashes passwords: it bounds how many are hashed at a time and how many wait.

A hash takes 19 MiB and a whole processor for some 25 ms. 64 sign-ins at once, each on its request's thread, took a
worker from 115 to 675 MB, which it kept, and every other request waited for a processor meanwhile.
"""

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, TypeVar

from gateway_clients.edge.errors import OverloadedError
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.runtime.singletons import process_singleton
from gateway_clients.runtime.thread_pools import submit

T = TypeVar("T")

#: Passwords that a process hashes at a time: there is a process for each processor.
AT_A_TIME: Final = 1
#: Requests that wait for their turn; each holds a thread of the server meanwhile.
MOST_WAITING: Final = 24
LONGEST_WAIT_SECONDS: Final = 2.0
RETRY_AFTER_SECONDS: Final = 2.0
#: Of how long a hash takes: how much the last one counts beside those before.
WEIGHT_OF_LAST: Final = 0.2

#: From malloc.h.
M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
LARGE_BLOCK_BYTES: Final = 2**20

_deadline: Final[ContextVar[Deadline | None]] = ContextVar("hashing_deadline", default=None)


class HashQueue:
    """A few threads that hash, and a bounded queue before them. Thread-safe."""

    def __init__(
        self,
        *,
        at_a_time: int = AT_A_TIME,
        most_waiting: int = MOST_WAITING,
        longest_wait_seconds: float = LONGEST_WAIT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = at_a_time + most_waiting
        self._longest_wait_seconds = longest_wait_seconds
        self._at_a_time = at_a_time
        self._clock = clock
        self._lock = threading.Lock()
        self._inside = 0
        self._seconds_each = 0.0
        self._thread = threading.local()
        self._pool = ThreadPoolExecutor(at_a_time, "hashing")

    @property
    def inside(self) -> int:
        """How many calls of `run` are hashing or waiting."""
        return self._inside

    def run(self, work: Callable[[], T]) -> T:
        """Runs the work in its turn and returns its result; work that runs already calls further work at once.

        Raises OverloadedError at once when the queue is full, when at the present pace the turn would come too late, or
        when the process may have no more threads; and when the longest wait or the deadline of `by` is over before the
        turn has come.
        """
        if getattr(self._thread, "is_hashing", False):
            return work()
        patience_seconds = self._patience_seconds
        self._enter(patience_seconds)
        future = submit(self._pool, partial(self._hashed, work))
        if future is not None:
            try:
                return future.result(patience_seconds)
            except TimeoutError:
                if not future.cancel():
                    return future.result()
        self._leave()
        raise OverloadedError(retry_after_seconds=RETRY_AFTER_SECONDS)

    @property
    def _patience_seconds(self) -> float:
        deadline = _deadline.get()
        longest = self._longest_wait_seconds
        return longest if deadline is None else min(longest, deadline.remaining_seconds)

    def _enter(self, patience_seconds: float) -> None:
        with self._lock:
            expected_seconds = self._inside * self._seconds_each / self._at_a_time
            if self._inside >= self._most or (self._inside and expected_seconds > patience_seconds):
                raise OverloadedError(retry_after_seconds=RETRY_AFTER_SECONDS)
            self._inside += 1

    def _leave(self, seconds: float | None = None) -> None:
        with self._lock:
            self._inside -= 1
            if seconds is not None:
                self._seconds_each += (seconds - self._seconds_each) * WEIGHT_OF_LAST

    def _hashed(self, work: Callable[[], T]) -> T:
        self._thread.is_hashing = True
        began = self._clock()
        try:
            return work()
        finally:
            self._leave(self._clock() - began)


@process_singleton
def hash_queue() -> HashQueue:
    """The queue of this process."""
    return_large_blocks()
    return HashQueue()


@contextmanager
def by(deadline: Deadline) -> Iterator[None]:
    """Lets no hash within the block be waited for beyond the deadline."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def return_large_blocks() -> None:
    """Has the allocator (glibc's) return a large block to the system as soon as it is freed.

    It would else keep blocks like those of the hashes, up to 38 MiB for each of its arenas, once it has seen a few. A
    hash takes a quarter longer for that, because its pages are new each time.
    """
    set_option: Any = getattr(ctypes.CDLL(None), "mallopt", None)
    if callable(set_option):
        set_option(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
        set_option(M_TRIM_THRESHOLD, 2 * LARGE_BLOCK_BYTES)
