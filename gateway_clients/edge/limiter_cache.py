"""Where django-ratelimit counts: in Redis with one round trip, or in this process while Redis does not answer.

django-ratelimit counts a request with `add(key, 1, timeout)` and, where the key was there already, `incr(key)`. Here
`add` counts and remembers, and `incr` hands out what `add` came to, so that the two cost one round trip. While it is
`noting`, `add` only notes what is to be counted, for a round trip that is made anyway.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from django.core.cache.backends.base import BaseCache

from gateway_clients.caching.store import default_cache
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit
from gateway_clients.redis_access.script import Script, ScriptCall

#: KEYS: a counter; ARGV: by how much, its life in seconds. Answers what it counts now; what is no number is begun anew.
COUNT: Final = Script("""
local count = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(count) == 'table' then
  redis.call('SET', KEYS[1], ARGV[1])
  count = tonumber(ARGV[1])
end
if count == tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return count
""")
MAX_LOCAL_KEYS: Final = 20_000


class LocalCounters:
    """Counters of this process alone, forgotten when their window ends."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, float]] = {}

    def count(self, key: str, by: int, timeout_seconds: float) -> int:
        """What the counter comes to."""
        now = self._clock()
        with self._lock:
            count, ends_at = self._counts.get(key, (0, 0.0))
            if ends_at <= now:
                count, ends_at = 0, now + timeout_seconds
                self._make_room(now)
            self._counts[key] = (count + by, ends_at)
            return count + by

    def _make_room(self, now: float) -> None:
        if len(self._counts) >= MAX_LOCAL_KEYS:
            self._counts = {key: kept for key, kept in self._counts.items() if kept[1] > now}
        while len(self._counts) >= MAX_LOCAL_KEYS:
            del self._counts[next(iter(self._counts))]


def cache_guard() -> RedisCircuit:
    """The guard of this process's cache: whoever finds Redis frozen first waits for it, and nobody after that."""
    return default_cache().circuit


class Count(msgspec.Struct, frozen=True):
    """Something to be counted. Its life is seconds."""

    key: str
    by: int
    life_seconds: int

    @property
    def call(self) -> ScriptCall:
        """As it is asked of Redis."""
        return ScriptCall(COUNT, [self.key], [self.by, self.life_seconds])

    def run(self) -> int:
        """What the counter comes to; without Redis that of this process."""
        try:
            (count,) = cache_guard().scripts([self.call])
        except CacheDownError:
            return LimiterCache.local.count(self.key, self.by, self.life_seconds)
        return int(count)


@dataclass(slots=True)
class Noted:
    """What was noted. Raises AttributeError when nothing was."""

    count: Count = field(init=False)


class LimiterCache(BaseCache):
    """A cache that can do what a limiter needs, and nothing else. Each thread has its own."""

    local: Final = LocalCounters()

    def __init__(self, _location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._last: tuple[str, int] | None = None
        self._noted: Noted | None = None

    @contextmanager
    def noting(self) -> Iterator[Noted]:
        """What `add` would count meanwhile is noted, and taken to be the first of its window."""
        self._noted = noted = Noted()
        try:
            yield noted
        finally:
            self._noted = None

    def add(self, key: Any, value: Any, timeout: Any = None, version: int | None = None) -> bool:
        """Counts; true for the first of a window."""
        wanted = Count(self.make_key(key, version), int(value), int(timeout))
        if self._noted is not None:
            self._noted.count = wanted
            return True
        count = wanted.run()
        self._last = (key, count)
        return count == int(value)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """What the `add` just before it came to. Raises ValueError when there was none."""
        last, self._last = self._last, None
        if last is None or last[0] != key:
            raise ValueError("nothing was counted under this key")
        return last[1]
