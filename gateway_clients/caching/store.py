"""The cache: lookups and writes under leases (`lease_cache`), and plain operations on keys."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec
from django.conf import settings

from gateway_clients.caching.counters import HeldCounts
from gateway_clients.caching.invalidation import Invalidations
from gateway_clients.caching.keys import CacheKey
from gateway_clients.caching.lease_cache import LeaseCache, new_token
from gateway_clients.caching.lookups import CacheLookup, CacheWrite, Entry, LookupResult, LookupStatus
from gateway_clients.caching.lua import EXPIRE
from gateway_clients.caching.pending_invalidations import invalidate_before_return
from gateway_clients.caching.redis_keys import entry_name, lease_name
from gateway_clients.cluster.listener_connection import listener_connection
from gateway_clients.cluster.membership import Cluster
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit, default_connection
from gateway_clients.runtime.singletons import process_singleton

T = TypeVar("T")
#: Seconds between two lookups for a value that another caller makes.
LOOK_SECONDS: Final = 0.02


class Cache(LeaseCache):
    """Entries in Redis. No method raises when Redis is down or frozen.

    Values of `get`, `set` and `get_or_set` are of types that msgspec encodes; a value of another type is a miss.
    """

    def __init__(
        self,
        circuit: RedisCircuit,
        *,
        invalidations: Invalidations | None = None,
        chance: Callable[[], float] = random.random,
        token: Callable[[], str] = new_token,
        sleep: Callable[[float], None] = time.sleep,
        cluster: Cluster | None = None,
        held_counts: HeldCounts | None = None,
    ) -> None:
        super().__init__(circuit, chance=chance, token=token, cluster=cluster, held_counts=held_counts)
        self.invalidations = invalidations if invalidations is not None else Invalidations()
        self._sleep = sleep

    def get(self, key: CacheKey, value_type: type[T]) -> T | None:
        """Returns the value while it is fresh, else None."""
        return self.get_many([key], value_type).get(key)

    def get_many(self, keys: Sequence[CacheKey], value_type: type[T]) -> dict[CacheKey, T]:
        """Returns the fresh values by key."""
        found = {
            result.key: self._value(result, value_type) for result in self.read([CacheLookup(key=k) for k in keys])
        }
        return {key: value[0] for key, value in found.items() if value is not None}

    def set(self, key: CacheKey, value: object, *, fresh_seconds: float | None = None) -> bool:
        """Stores a value, as `set_many` does."""
        return self.set_many({key: value}, fresh_seconds=fresh_seconds)

    def set_many(self, values: Mapping[CacheKey, object], *, fresh_seconds: float | None = None) -> bool:
        """Stores values for the lives of their data classes, or shorter; returns whether all were stored.

        For less than a millisecond nothing is stored, and what there was is deleted. The values must be true now.
        `get_or_set` is for values that were asked for earlier: it sees an invalidation in between.
        """
        if fresh_seconds is not None and fresh_seconds * 1000 < 1:
            return self.invalidations.drop(
                self.circuit, (name(key) for key in values for name in (lease_name, entry_name))
            )
        results = self.read([CacheLookup(key=key, newer_than_ms=-1) for key in values])
        if any(result.status is LookupStatus.DOWN for result in results):
            return False
        writes = [
            self._write(result, _entry_of(value, 0.0), fresh_seconds)
            for result, value in zip(results, values.values(), strict=True)
        ]
        return all(self.store(writes))

    def _write(self, result: LookupResult, entry: Entry, fresh_seconds: float | None) -> CacheWrite:
        write = self.write_for(result, entry)
        if fresh_seconds is None:
            return write
        seconds = min(fresh_seconds, write.fresh_seconds)
        return msgspec.structs.replace(write, fresh_seconds=seconds, kept_seconds=seconds)

    def get_or_set(
        self,
        key: CacheKey,
        value_type: type[T],
        make: Callable[[], T],
        *,
        make_seconds: float,
        fresh_seconds: float | None = None,
    ) -> T:
        """Returns the value; without a fresh one, one caller over all processes makes it while the others wait.

        `make_seconds`: how long making it may take, and how long others wait before they make it themselves.
        Raises what `make` raises.
        """
        give_up_at = time.monotonic() + make_seconds
        while True:
            (result,) = self.read([CacheLookup(key=key, lease_seconds=make_seconds)])
            value = self._value(result, value_type)
            if value is not None:
                return value[0]
            if result.status in {LookupStatus.LEASED, LookupStatus.DOWN} or time.monotonic() >= give_up_at:
                return self._make(result, make, fresh_seconds)
            self._sleep(LOOK_SECONDS)

    def _make(self, result: LookupResult, make: Callable[[], T], fresh_seconds: float | None) -> T:
        started_at = time.monotonic()
        try:
            value = make()
        except BaseException:
            self.release([result])
            raise
        if result.token:
            self.store([self._write(result, _entry_of(value, time.monotonic() - started_at), fresh_seconds)])
        return value

    def _value(self, result: LookupResult, value_type: type[T]) -> tuple[T] | None:
        """Returns the fresh value, which may itself be None; None where there is none."""
        if result.status is not LookupStatus.HIT or result.entry is None or result.entry.is_absent:
            return None
        try:
            return (msgspec.msgpack.decode(result.entry.body, type=value_type),)
        except (ValueError, RecursionError):
            self.discard(result.key)
            return None

    def delete(self, key: CacheKey | str) -> bool:
        """Deletes an entry and the lease of its fill; returns True if at once, False if once Redis is back."""
        return self.invalidations.drop(self.circuit, (lease_name(key), entry_name(key)))

    def invalidate_pattern(self, pattern: str) -> int | None:
        """Deletes the entries whose key matches; returns how many, None while Redis is down: all go on its return."""
        return self.invalidations.invalidate_pattern(self.circuit, pattern)

    def expire(self, key: CacheKey, seconds: float) -> bool:
        """Shortens an entry's life to `seconds` from now; returns whether there was one. It never lives longer."""
        try:
            is_there = bool(self.circuit.script(EXPIRE, [entry_name(key)], [int(seconds * 1000)]))
        except CacheDownError:
            return False
        self.forget_near([key])
        return is_there


def _entry_of(value: object, fill_seconds: float) -> Entry:
    return Entry(msgspec.Raw(msgspec.msgpack.encode(value)), fill_seconds=fill_seconds)


@process_singleton
def default_circuit() -> RedisCircuit:
    """Returns this process's circuit in front of the Redis of Django's default cache."""
    circuit = RedisCircuit(default_connection, before_return=lambda redis: invalidations().apply_kept(redis))
    circuit.ahead_of_return(invalidate_before_return)
    return circuit


@process_singleton
def cluster() -> Cluster:
    """Returns this process's Cluster; a process that serves portals calls its `start`."""
    return Cluster(
        default_circuit(),
        listener_connection,
        prefix=settings.CACHE_KEY_PREFIX,
        lease_seconds=settings.CLUSTER_LEASE_SECONDS,
        near_bytes=settings.NEAR_CACHE_BYTES,
    )


@process_singleton
def invalidations() -> Invalidations:
    """Returns the Invalidations of this process."""
    return Invalidations(cluster())


@process_singleton
def default_cache() -> Cache:
    """Returns the Cache of this process, on Django's default cache."""
    circuit, members = default_circuit(), cluster()
    held_counts = HeldCounts(circuit, processes=lambda: members.holders)
    return Cache(circuit, invalidations=invalidations(), cluster=members, held_counts=held_counts)
