"""The cache in which django-ratelimit counts: in Redis with one round trip, in this process while Redis is down.

django-ratelimit counts a request with `add(key, 1, timeout)` and, where the key was there already, `incr(key)`; it
looks, without counting, with `add(key, 0, timeout)` and `get(key)`. Here `add` counts and remembers, and `incr` and
`get` hand out the result, so that each pair is one script. Within `deferred`, `add` counts nothing and says which
counter it would have raised: the caller raises it in a round trip that is made anyway.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core.cache.backends.base import BaseCache

from gateway_clients.caching.counters import Count
from gateway_clients.caching.store import default_cache
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit


def cache_guard() -> RedisCircuit:
    """Returns the circuit of the default cache: the first call that finds Redis frozen waits, later ones do not."""
    return default_cache().circuit


def count_now(count: Count) -> int:
    """Raises the count in a round trip of its own, unless that was done; without Redis, in this process alone."""
    if count.value is None:
        try:
            (answer,) = cache_guard().scripts([count.script_call])
        except CacheDownError:
            count.count_locally()
        else:
            count.value = int(answer)
    assert count.value is not None
    return count.value


@dataclass(slots=True)
class DeferredCounter:
    """A counter that `add` did not raise, and its life. Its fields raise AttributeError when `add` was not called."""

    key: str = field(init=False)
    life_seconds: int = field(init=False)


class LimiterCache(BaseCache):
    """A Django cache with the three operations that django-ratelimit uses. Each thread has its own."""

    def __init__(self, _location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._last: tuple[str, int] | None = None
        self._deferred: DeferredCounter | None = None

    @contextmanager
    def deferred(self) -> Iterator[DeferredCounter]:
        """Lets `add` name its counter instead of raising it; it returns as for the first of a window."""
        self._deferred = counter = DeferredCounter()
        try:
            yield counter
        finally:
            self._deferred = None

    def add(self, key: Any, value: Any, timeout: Any = None, version: int | None = None) -> bool:
        """Counts; returns True for the first of a window."""
        counter = self.make_key(key, version)
        if self._deferred is not None:
            self._deferred.key, self._deferred.life_seconds = counter, int(timeout)
            return True
        count = count_now(Count(counter, life_seconds=int(timeout), by=int(value)))
        self._last = (key, count)
        return count == int(value)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Returns the count of the `add` just before. Raises ValueError when there was none."""
        count = self._taken(key)
        if count is None:
            raise ValueError("nothing was counted under this key")
        return count

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Returns the count of the `add` just before, or the default when there was none."""
        count = self._taken(key)
        return default if count is None else count

    def _taken(self, key: Any) -> int | None:
        last, self._last = self._last, None
        return last[1] if last is not None and last[0] == key else None
