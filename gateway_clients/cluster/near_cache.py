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
#: A value that took longer to look up is not kept, so that no drop need be remembered for longer. It is beyond the
#: limits of any wait for Redis or the database.
LONGEST_LOOK_SECONDS: Final = 5.0
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
        # Drops by tag, of two periods: of the present one, and of the one before.
        self._dropped_at: dict[str, float] = {}
        self._dropped_before: dict[str, float] = {}
        self._period_began_at = clock()
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

        It is not when one of its tags was dropped since, when it is too large or was asked for too long ago, or without
        a lease.
        """
        size_bytes += OVERHEAD_BYTES
        if size_bytes > self._most_bytes * LARGEST_SHARE or not self._has_lease():
            return False
        with self._lock:
            if self._clock() - asked_at >= LONGEST_LOOK_SECONDS or self._is_dropped_since(asked_at, tags):
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
            if now - self._period_began_at >= LONGEST_LOOK_SECONDS:
                # Each drop of the period before last is older than what may still be put.
                self._dropped_before, self._dropped_at, self._period_began_at = self._dropped_at, {}, now
            if not wanted or len(self._dropped_at) + len(self._dropped_before) + len(wanted) > MOST_DROPS:
                self._all_dropped_at = now
                self._dropped_at, self._dropped_before = {}, {}
                self._kept.clear()
                self._by_tag.clear()
                self._size_bytes = 0
                return
            for tag in wanted:
                self._dropped_at[tag] = now
                for name in tuple(self._by_tag.get(tag, ())):
                    self._remove(name)

    def _is_dropped_since(self, asked_at: float, tags: Collection[str]) -> bool:
        if self._all_dropped_at >= asked_at:
            return True
        now, before = self._dropped_at, self._dropped_before
        return any(now.get(tag, 0.0) >= asked_at or before.get(tag, 0.0) >= asked_at for tag in tags)

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
