"""The cache: what the pipeline needs of it (`lease_cache`), and the plain operations on a key."""

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from gateway_clients.caching.invalidation import Invalidations
from gateway_clients.caching.keys import CacheKey
from gateway_clients.caching.lease_cache import LeaseCache, new_token
from gateway_clients.caching.lookups import CacheLookup, CacheWrite, Entry, LookupResult, LookupStatus
from gateway_clients.caching.lua import EXPIRE, INCREMENT
from gateway_clients.caching.pending_invalidations import invalidate_before_return
from gateway_clients.caching.redis_keys import counter_name, entry_name, lease_name
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit, default_connection
from gateway_clients.runtime.singletons import process_singleton

__all__ = ["Cache", "CacheLookup", "CacheWrite", "default_cache", "invalidations"]

T = TypeVar("T")
#: Seconds between two looks for a value that somebody else is making.
LOOK_SECONDS: Final = 0.02


class Cache(LeaseCache):
    """Entries in Redis. No method raises when Redis is down or frozen.

    The values of `get`, `set` and `get_or_set` are what msgspec can encode; one that is not of the type is a miss.
    """

    def __init__(
        self,
        circuit: RedisCircuit,
        *,
        invalidations: Invalidations | None = None,
        chance: Callable[[], float] = random.random,
        token: Callable[[], str] = new_token,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(circuit, chance=chance, token=token)
        self.invalidations = invalidations if invalidations is not None else Invalidations()
        self._sleep = sleep

    def get(self, key: CacheKey, value_type: type[T]) -> T | None:
        """The value, while it is fresh."""
        (result,) = self.read([CacheLookup(key=key)])
        return self._value(result, value_type)

    def set(self, key: CacheKey, value: object, *, fresh_seconds: float | None = None) -> bool:
        """Keeps a value for the life of its data class, or shorter; whether it was kept.

        It is taken for true now. Where it was asked for before, `get_or_set` sees an invalidation in between.
        """
        (result,) = self.read([CacheLookup(key=key)])
        if result.status is LookupStatus.DOWN:
            return False
        fill = self.write_for(result, _entry_of(value, 0.0))
        if fresh_seconds is not None:
            shorter_seconds = min(fresh_seconds, fill.fresh_seconds)
            fill = msgspec.structs.replace(fill, fresh_seconds=shorter_seconds, kept_seconds=shorter_seconds)
        return self.store([fill]) == [True]

    def get_or_set(self, key: CacheKey, value_type: type[T], make: Callable[[], T], *, make_seconds: float) -> T:
        """The value, made when there is no fresh one: by one caller over all processes, while the others wait for it.

        `make_seconds`: how long making it may take, and how long others wait before they make it for themselves.
        Raises what `make` raises.
        """
        give_up_at = time.monotonic() + make_seconds
        while True:
            (result,) = self.read([CacheLookup(key=key, lease_seconds=make_seconds)])
            value = self._value(result, value_type)
            if value is not None:
                return value
            if result.status in {LookupStatus.LEASED, LookupStatus.DOWN} or time.monotonic() >= give_up_at:
                return self._make(result, make)
            self._sleep(LOOK_SECONDS)

    def _make(self, result: LookupResult, make: Callable[[], T]) -> T:
        started_at = time.monotonic()
        try:
            value = make()
        except BaseException:
            self.release([result])
            raise
        if result.token:
            self.store([self.write_for(result, _entry_of(value, time.monotonic() - started_at))])
        return value

    def _value(self, result: LookupResult, value_type: type[T]) -> T | None:
        if result.status is not LookupStatus.HIT or result.entry is None or result.entry.is_absent:
            return None
        try:
            return msgspec.msgpack.decode(result.entry.body, type=value_type)
        except (msgspec.MsgspecError, RecursionError):
            self.discard(result.key)
            return None

    def delete(self, key: CacheKey | str) -> bool:
        """Drops an entry, and the lease of whoever fills it now; whether at once, or when Redis is back."""
        return self.invalidations.drop(self.circuit, (lease_name(key), entry_name(key)))

    def invalidate_pattern(self, pattern: str) -> int | None:
        """Drops the entries whose key matches; how many. None while Redis is down: all goes when it is back."""
        return self.invalidations.invalidate_pattern(self.circuit, pattern)

    def increment(self, name: str, by: int = 1, *, seconds: float) -> int | None:
        """Counts; what it counts now, None while Redis is down. It starts anew so many seconds after its beginning."""
        try:
            return int(self.circuit.script(INCREMENT, [counter_name(name)], [by, int(seconds * 1000)]))
        except CacheDownError:
            return None

    def expire(self, key: CacheKey, seconds: float) -> bool:
        """Keeps an entry for so many seconds from now at most; whether there was one. Never longer than before."""
        try:
            return bool(self.circuit.script(EXPIRE, [entry_name(key)], [int(seconds * 1000)]))
        except CacheDownError:
            return False


def _entry_of(value: object, fill_seconds: float) -> Entry:
    return Entry(msgspec.Raw(msgspec.msgpack.encode(value)), fill_seconds=fill_seconds)


@process_singleton
def invalidations() -> Invalidations:
    """The invalidations of this process."""
    return Invalidations()


@process_singleton
def default_cache() -> Cache:
    """The cache of this process, on Django's default cache."""
    circuit = RedisCircuit(default_connection, before_return=invalidations().apply_kept)
    circuit.ahead_of_return(invalidate_before_return)
    return Cache(circuit, invalidations=invalidations())
