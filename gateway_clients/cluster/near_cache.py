"""The near cache: entries and accounts in a process's own memory, used only while the process holds a lease."""

import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

Clock = Callable[[], float]
#: The estimated overhead of an entry.
OVERHEAD_BYTES: Final = 1_000
#: An entry of more than this share of the whole is not kept: it would drive out too many others.
LARGEST_SHARE: Final = 0.125
#: The most dropped tags that are remembered; with more, every tag counts as dropped at that moment.
MOST_DROPS: Final = 20_000


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    tags: tuple[str, ...]
    size_bytes: int
    fresh_until: float


class NearCache:
    """Values by name, of a bounded size; the oldest are evicted first. Thread-safe.

    `has_lease` returns whether values may be used: a process that changes something waits for all that have a lease.
    Times are seconds of the monotonic clock.
    """

    def __init__(self, most_bytes: int, has_lease: Callable[[], bool], *, clock: Clock = time.monotonic) -> None:
        self._most_bytes = most_bytes
        self._has_lease = has_lease
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._by_tag: dict[str, set[str]] = {}
        self._size_bytes = 0
        self._dropped_at: dict[str, float] = {}
        self._all_dropped_at = float("-inf")

    @property
    def size_bytes(self) -> int:
        """The size of the values, overhead included."""
        return self._size_bytes

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, name: str) -> Any | None:
        """Returns the value while it is fresh and this process holds a lease, else None."""
        kept = self._kept.get(name)
        if kept is None or not self._has_lease():
            return None
        if self._clock() >= kept.fresh_until:
            return None
        return kept.value

    def put(
        self, name: str, value: Any, *, tags: Collection[str], size_bytes: int, seconds: float, asked_at: float
    ) -> bool:
        """Stores a value that was true at `asked_at`, for `seconds` from then; returns whether it was stored.

        It is not when one of its tags was dropped since, when it is too large, or without a lease.
        """
        size_bytes += OVERHEAD_BYTES
        if size_bytes > self._most_bytes * LARGEST_SHARE or not self._has_lease():
            return False
        with self._lock:
            if self._all_dropped_at >= asked_at or any(self._dropped_at.get(tag, 0.0) >= asked_at for tag in tags):
                return False
            self._remove(name)
            self._kept[name] = _Kept(value, tuple(tags), size_bytes, asked_at + seconds)
            self._size_bytes += size_bytes
            for tag in tags:
                self._by_tag.setdefault(tag, set()).add(name)
            while self._size_bytes > self._most_bytes:
                self._remove(next(iter(self._kept)))
        return True

    def drop(self, tags: Iterable[str]) -> None:
        """Drops the values with one of the tags; all values for no tags."""
        wanted = tuple(tags)
        with self._lock:
            now = self._clock()
            if not wanted or len(self._dropped_at) + len(wanted) > MOST_DROPS:
                self._all_dropped_at = now
                self._dropped_at.clear()
                self._kept.clear()
                self._by_tag.clear()
                self._size_bytes = 0
                return
            for tag in wanted:
                self._dropped_at[tag] = now
                for name in tuple(self._by_tag.get(tag, ())):
                    self._remove(name)

    def forget(self, name: str) -> None:
        """Drops one value."""
        with self._lock:
            self._remove(name)

    def _remove(self, name: str) -> None:
        kept = self._kept.pop(name, None)
        if kept is None:
            return
        self._size_bytes -= kept.size_bytes
        for tag in kept.tags:
            names = self._by_tag.get(tag)
            if names is not None:
                names.discard(name)
                if not names:
                    del self._by_tag[tag]
