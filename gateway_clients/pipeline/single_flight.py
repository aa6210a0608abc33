"""Single flight: identical reads of one process at one time share the read of their leader."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from gateway_clients.resilience.deadline import Deadline
from gateway_clients.runtime.start_gate import start_gate

T = TypeVar("T")


class ReadAbandonedError(Exception):
    """The leader dropped the shared read; each follower reads again."""


class SharedRead(Generic[T]):
    """One read under way. An invalidation of one of `tags` in this process voids it: later requests start another read.

    An invalidation in another process does not: followers check when the result was true. `stale` is the last good
    answer, once known, for followers that cannot wait for the end.
    """

    __slots__ = (
        "_completion",
        "_lock",
        "completed_at",
        "error",
        "is_complete",
        "is_voided",
        "name",
        "result",
        "stale",
        "tags",
    )

    def __init__(self, name: str, tags: tuple[str, ...], lock: threading.Lock) -> None:
        self.name = name
        self.tags = tags
        self.is_complete = self.is_voided = False
        self.completed_at = 0.0
        self.result: T | None = None
        self.error: BaseException | None = None
        self.stale: T | None = None
        self._lock = lock
        self._completion: threading.Event | None = None

    def complete(self, result: T | None, error: BaseException | None) -> threading.Event | None:
        """Sets the result or the error for the followers, who wait for the event. The caller holds the lock."""
        if self.is_complete:
            return None
        self.result, self.error, self.is_complete = result, error, True
        self.completed_at = time.monotonic()
        return self._completion

    def wait(self, deadline: Deadline) -> bool:
        """Waits until it is complete or the deadline has passed; returns whether it is complete."""
        if self.is_complete:
            return True
        with self._lock:
            if self.is_complete:
                return True
            if self._completion is None:
                self._completion = threading.Event()
            completion = self._completion
        with start_gate().waiting_for_others():
            return completion.wait(deadline.remaining_seconds)


class SingleFlight:
    """The reads under way in this process, by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, SharedRead[Any]] = {}

    def join(self, wanted: Sequence[tuple[str, tuple[str, ...]]]) -> list[tuple[SharedRead[Any], bool]]:
        """Returns for each (name, tags) the shared read under way, or a new one, and whether the caller leads it."""
        boarded = []
        with self._lock:
            for name, tags in wanted:
                shared_read = self._under_way.get(name)
                if shared_read is None:
                    shared_read = self._under_way[name] = SharedRead(name, tags, self._lock)
                    boarded.append((shared_read, True))
                else:
                    boarded.append((shared_read, False))
        return boarded

    def complete(self, shared_read: SharedRead[T], result: T | None = None, error: BaseException | None = None) -> None:
        """Ends a shared read: later requests start another."""
        with self._lock:
            if self._under_way.get(shared_read.name) is shared_read:
                del self._under_way[shared_read.name]
            completion = shared_read.complete(result, error)
        if completion is not None:
            completion.set()

    def void(self, tags: frozenset[str]) -> None:
        """Voids the shared reads with one of the tags, or all of them: later requests do not join them."""
        with self._lock:
            voided = [
                shared_read
                for shared_read in self._under_way.values()
                if not tags or not tags.isdisjoint(shared_read.tags)
            ]
            for shared_read in voided:
                shared_read.is_voided = True
                del self._under_way[shared_read.name]

    def under_way(self, matches: Callable[[str], bool] = lambda _: True) -> int:
        """Returns the number of reads under way whose names match."""
        with self._lock:
            return sum(map(matches, self._under_way))
