"""Identical reads of one process at the same time share one: its leader does the work, the others wait for it."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from gateway_clients.resilience.deadline import Deadline
from gateway_clients.runtime.thread_gate import thread_gate

T = TypeVar("T")


class SharedRead(Generic[T]):
    """One read under way. `tags` are those whose invalidation voids it: whoever asks after that starts another.

    Another process's invalidation does not: who follows it looks at when its result was true. `stale` is the last good
    answer, once known, for those who cannot wait for the end.
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
        "waiters",
    )

    def __init__(self, name: str, tags: tuple[str, ...], lock: threading.Lock) -> None:
        self.name = name
        self.tags = tags
        self.waiters = 0
        self.is_complete = self.is_voided = False
        self.completed_at = 0.0
        self.result: T | None = None
        self.error: BaseException | None = None
        self.stale: T | None = None
        self._lock = lock
        self._completion: threading.Event | None = None

    def complete(self, result: T | None, error: BaseException | None) -> threading.Event | None:
        """Holds the result, or the error, for all who wait; they wait for the event. Under the lock."""
        if self.is_complete:
            return None
        self.result, self.error, self.is_complete = result, error, True
        self.completed_at = time.monotonic()
        return self._completion

    def wait(self, deadline: Deadline) -> bool:
        """Waits until it is complete or the deadline has passed; whether it is complete."""
        if self.is_complete:
            return True
        with self._lock:
            if self.is_complete:
                return True
            if self._completion is None:
                self._completion = threading.Event()
            completion = self._completion
        with thread_gate().blocked():
            return completion.wait(deadline.remaining_seconds)


class SingleFlight:
    """The reads under way in this process, by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, SharedRead[Any]] = {}

    def join(self, wanted: Sequence[tuple[str, tuple[str, ...]]]) -> list[tuple[SharedRead[Any], bool]]:
        """For each (name, tags) the shared read under way, or a new one; and whether the caller leads it."""
        boarded = []
        with self._lock:
            for name, tags in wanted:
                shared_read = self._under_way.get(name)
                if shared_read is None:
                    shared_read = self._under_way[name] = SharedRead(name, tags, self._lock)
                    boarded.append((shared_read, True))
                else:
                    shared_read.waiters += 1
                    boarded.append((shared_read, False))
        return boarded

    def complete(self, shared_read: SharedRead[T], result: T | None = None, error: BaseException | None = None) -> None:
        """Ends a shared read: whoever asks from now on starts another."""
        with self._lock:
            if self._under_way.get(shared_read.name) is shared_read:
                del self._under_way[shared_read.name]
            completion = shared_read.complete(result, error)
        if completion is not None:
            completion.set()

    def abandon_if_unshared(self, shared_read: SharedRead[Any]) -> bool:
        """Whether nobody follows it; nobody does from now on then, and who asks starts another."""
        with self._lock:
            if shared_read.waiters:
                return False
            if self._under_way.get(shared_read.name) is shared_read:
                del self._under_way[shared_read.name]
            return True

    def void(self, tags: frozenset[str]) -> None:
        """Marks the shared reads with one of the tags, or all of them; who asks from now on does not join them."""
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
        """How many reads are under way."""
        with self._lock:
            return sum(map(matches, self._under_way))
