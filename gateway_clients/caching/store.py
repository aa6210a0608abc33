"""The cache: what the pipe needs of it (`leased`), and the plain operations on a key."""

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from gateway_clients.caching.entries import Entry, Fill, Found, Look, Reading
from gateway_clients.caching.guard import CacheDownError, RedisGuard, default_connection
from gateway_clients.caching.invalidation import Invalidations
from gateway_clients.caching.keys import CacheKey
from gateway_clients.caching.leased import LeasedCache, new_token
from gateway_clients.caching.names import counter_name, entry_name, lease_name
from gateway_clients.caching.pending_drops import drop_before_return
from gateway_clients.caching.scripts import EXPIRE, INCREMENT
from gateway_clients.once import once

__all__ = ["Cache", "Fill", "Look", "default_cache", "invalidations"]

T = TypeVar("T")
#: Seconds between two looks for a value that somebody else is making.
LOOK_SECONDS: Final = 0.02


class Cache(LeasedCache):
    """Entries in Redis. No method raises when Redis is down or frozen.

    The values of `get`, `set` and `get_or_set` are what msgspec can encode; one that is not of the type is a miss.
    """

    def __init__(
        self,
        guard: RedisGuard,
        *,
        invalidations: Invalidations | None = None,
        chance: Callable[[], float] = random.random,
        token: Callable[[], str] = new_token,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(guard, chance=chance, token=token)
        self.invalidations = invalidations if invalidations is not None else Invalidations()
        self._sleep = sleep

    def get(self, key: CacheKey, value_type: type[T]) -> T | None:
        """The value, while it is fresh."""
        (reading,) = self.read([Look(key=key)])
        return self._value(reading, value_type)

    def set(self, key: CacheKey, value: object, *, fresh_seconds: float | None = None) -> bool:
        """Keeps a value for the life of its data class, or shorter; whether it was kept.

        It is taken for true now. Where it was asked for before, `get_or_set` sees an invalidation in between.
        """
        (reading,) = self.read([Look(key=key)])
        if reading.found is Found.DOWN:
            return False
        fill = self.fill_of(reading, _entry_of(value, 0.0))
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
            (reading,) = self.read([Look(key=key, lease_seconds=make_seconds)])
            value = self._value(reading, value_type)
            if value is not None:
                return value
            if reading.found in {Found.LEASED, Found.DOWN} or time.monotonic() >= give_up_at:
                return self._make(reading, make)
            self._sleep(LOOK_SECONDS)

    def _make(self, reading: Reading, make: Callable[[], T]) -> T:
        started_at = time.monotonic()
        try:
            value = make()
        except BaseException:
            self.release([reading])
            raise
        if reading.token:
            self.store([self.fill_of(reading, _entry_of(value, time.monotonic() - started_at))])
        return value

    def _value(self, reading: Reading, value_type: type[T]) -> T | None:
        if reading.found is not Found.FRESH or reading.entry is None or reading.entry.is_absent:
            return None
        try:
            return msgspec.msgpack.decode(reading.entry.body, type=value_type)
        except (msgspec.MsgspecError, RecursionError):
            self.discard(reading.key)
            return None

    def delete(self, key: CacheKey | str) -> bool:
        """Drops an entry, and the lease of whoever fills it now; whether at once, or when Redis is back."""
        return self.invalidations.drop(self.guard, (lease_name(key), entry_name(key)))

    def invalidate_pattern(self, pattern: str) -> int | None:
        """Drops the entries whose key matches; how many. None while Redis is down: all goes when it is back."""
        return self.invalidations.invalidate_pattern(self.guard, pattern)

    def increment(self, name: str, by: int = 1, *, seconds: float) -> int | None:
        """Counts; what it counts now, None while Redis is down. It starts anew so many seconds after its beginning."""
        try:
            return int(self.guard.script(INCREMENT, [counter_name(name)], [by, int(seconds * 1000)]))
        except CacheDownError:
            return None

    def expire(self, key: CacheKey, seconds: float) -> bool:
        """Keeps an entry for so many seconds from now at most; whether there was one. Never longer than before."""
        try:
            return bool(self.guard.script(EXPIRE, [entry_name(key)], [int(seconds * 1000)]))
        except CacheDownError:
            return False


def _entry_of(value: object, fill_seconds: float) -> Entry:
    return Entry(msgspec.Raw(msgspec.msgpack.encode(value)), fill_seconds=fill_seconds)


@once
def invalidations() -> Invalidations:
    """The invalidations of this process."""
    return Invalidations()


@once
def default_cache() -> Cache:
    """The cache of this process, on Django's default cache."""
    guard = RedisGuard(default_connection, before_return=invalidations().apply_kept)
    guard.ahead_of_return(drop_before_return)
    return Cache(guard, invalidations=invalidations())
