"""Lookups and writes under leases, several in one round trip.

Without Redis every lookup is DOWN and nothing is stored.
"""

import math
import random
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from gateway_clients.caching.counters import Count, HeldCounts
from gateway_clients.caching.keys import CacheKey
from gateway_clients.caching.lookup_counts import count_lookups, count_near_hits
from gateway_clients.caching.lookups import ENTRY_DECODER, CacheLookup, CacheWrite, Entry, LookupResult, LookupStatus
from gateway_clients.caching.lost_leases import LostLeases
from gateway_clients.caching.lua import RELEASE
from gateway_clients.caching.near_lookups import keep_near, near_results
from gateway_clients.caching.redis_keys import entry_name, lease_name
from gateway_clients.caching.round_trip import LookupCall, RedisRoundTrip, write_call
from gateway_clients.cluster.channel import ENTRIES
from gateway_clients.cluster.membership import Cluster
from gateway_clients.cluster.near_cache import NearCache
from gateway_clients.conf import lifetime
from gateway_clients.encryption import UnsealableError, sealer
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit

#: The longest time in seconds that a 404 is cached.
ABSENT_SECONDS: Final = 30.0
#: The longest time in seconds that an answer with unreadable parts is cached; it is no last good answer either.
PARTIAL_SECONDS: Final = 5.0
#: The share of an entry's life that is random, so that entries made together do not expire together.
JITTER: Final = 0.1
log = structlog.get_logger(__name__)


def new_token() -> str:
    """Returns a name that no other lease has; it is no secret."""
    return f"{random.getrandbits(64):016x}"


class LeaseCache:
    """Entries in Redis, filled under leases. No method raises when Redis is down or frozen."""

    def __init__(
        self,
        circuit: RedisCircuit,
        *,
        chance: Callable[[], float] = random.random,
        token: Callable[[], str] = new_token,
        cluster: Cluster | None = None,
        held_counts: HeldCounts | None = None,
    ) -> None:
        self.circuit = circuit
        self._cluster = cluster
        self._held_counts = held_counts
        self._chance = chance
        self._token = token
        self._lost_leases = LostLeases()
        circuit.on_return(self._lost_leases.release)

    @property
    def is_down(self) -> bool:
        """Whether Redis is down and not asked."""
        return self.circuit.is_down

    def send(self, trip: RedisRoundTrip) -> None:
        """Sends a round trip and fills in its answers; an empty one is not sent.

        While Redis is down every lookup's status is DOWN, the count is this process's own, and `are_valid` is None for
        each write. Nothing is sent if the near cache answers the lookups and the count may be buffered.
        """
        if self._cluster is not None and self._is_answered_near(self._cluster.near, trip):
            return
        if trip.count is not None and self._held_counts is not None:
            self._held_counts.join(trip.count)
        lookup_call = LookupCall(trip.lookups, self._token()) if trip.lookups else None
        calls = [trip.count.script_call] if trip.count is not None else []
        if lookup_call is not None:
            calls.append(lookup_call.script_call)
        if trip.writes:
            calls.append(write_call(trip.writes))
        if not calls:
            return
        asked_at = time.monotonic()
        try:
            answers = iter(self.circuit.scripts(calls))
        except CacheDownError as error:
            self._go_without(trip, lookup_call, asked_at, was_asked=error.was_asked)
            return
        answered_at = time.monotonic()
        if trip.count is not None:
            trip.count.value = int(next(answers))
            if self._held_counts is not None:
                self._held_counts.learn(trip.count)
        if lookup_call is not None:
            trip.results = lookup_call.results(next(answers), self._open, asked_at=asked_at, answered_at=answered_at)
            count_lookups(trip.results)
            if self._cluster is not None:
                keep_near(self._cluster.near, trip.results)
        if trip.writes:
            trip.are_valid = [answer == 1 for answer in next(answers)]
            self.forget_near(_overwritten(trip.writes))

    def _is_answered_near(self, near: NearCache, trip: RedisRoundTrip) -> bool:
        found = near_results(near, trip.lookups) if trip.lookups and not trip.writes else None
        if found is None:
            return False
        if trip.count is not None and not (self._held_counts is not None and self._held_counts.hold(trip.count)):
            return False
        trip.results = found
        count_near_hits(found)
        return True

    def _go_without(
        self, trip: RedisRoundTrip, lookup_call: LookupCall | None, asked_at: float, *, was_asked: bool
    ) -> None:
        if was_asked and lookup_call is not None:
            self._lost_leases.add(lookup_call.leases)
        if trip.count is not None:
            trip.count.count_locally()
        trip.results = [
            LookupResult(key=lookup.key, status=LookupStatus.DOWN, asked_at=asked_at) for lookup in trip.lookups
        ]
        trip.are_valid = [None for _ in trip.writes]

    def take_back(self, count: Count) -> bool:
        """Takes back a count that this process holds back yet; returns False when only Redis can take it back."""
        return self._held_counts is not None and self._held_counts.take_back(count)

    def read(self, lookups: Sequence[CacheLookup]) -> list[LookupResult]:
        """Sends lookups alone; returns a result for each, fewer after a hit of one that ends the lookups."""
        trip = RedisRoundTrip(lookups=lookups)
        self.send(trip)
        return trip.results

    def store(self, writes: Sequence[CacheWrite]) -> list[bool | None]:
        """Sends writes alone; returns for each whether it was stored.

        False: an invalidation came in between. None: Redis is down, and it is not known.
        """
        trip = RedisRoundTrip(writes=writes)
        self.send(trip)
        return trip.are_valid

    def _open(self, key: CacheKey, sealed: bytes) -> Entry | None:
        try:
            return ENTRY_DECODER.decode(sealer().open(key.name, sealed))
        except (UnsealableError, ValueError, RecursionError):
            log.warning("cache.undecodable", data_class=str(key.data_class))
            self.discard(key)
            return None

    def is_refresh_due(self, result: LookupResult) -> bool:
        """Whether a shared entry should be refreshed before it expires: the likelier, the nearer that is.

        XFetch: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015.
        """
        if not result.key.is_shared or result.entry is None:
            return False
        lead_seconds = -result.entry.fill_seconds * math.log(1 - self._chance())
        return lead_seconds >= result.fresh_seconds

    def write_for(self, result: LookupResult, entry: Entry) -> CacheWrite:
        """Returns the write that stores an entry for the life of its data class, less random jitter.

        A 404 is stored for 30 s at most, an entry with unreadable parts for 5 s.
        """
        life = lifetime(result.key.data_class)
        fresh_seconds = life.fresh_seconds * (1 - JITTER * self._chance())
        if entry.is_absent or not entry.is_whole:
            fresh_seconds = min(fresh_seconds, ABSENT_SECONDS if entry.is_absent else PARTIAL_SECONDS)
            return CacheWrite(result=result, entry=entry, fresh_seconds=fresh_seconds, kept_seconds=fresh_seconds)
        kept_seconds = fresh_seconds + life.stale_seconds
        return CacheWrite(result=result, entry=entry, fresh_seconds=fresh_seconds, kept_seconds=kept_seconds)

    def release(self, results: Sequence[LookupResult]) -> None:
        """Gives back the leases of these results."""
        held = [result for result in results if result.token]
        if not held:
            return
        try:
            self.circuit.script(RELEASE, [lease_name(result.key) for result in held], [r.token for r in held])
        except CacheDownError:
            return

    def forget_near(self, keys: Sequence[CacheKey]) -> None:
        """Drops these entries from every near cache."""
        if self._cluster is not None and keys:
            self._cluster.tell_only(ENTRIES, tuple(entry_name(key) for key in keys))

    def discard(self, key: CacheKey) -> None:
        """Deletes an entry that cannot be read; a fill under way is not disturbed."""
        if self._cluster is not None:
            self._cluster.near.forget(key.name)
        try:
            self.circuit.run(lambda redis: redis.unlink(entry_name(key)))
        except CacheDownError:
            return


def _overwritten(writes: Sequence[CacheWrite]) -> list[CacheKey]:
    """Returns the keys of entries that were refilled while fresh, on a reader's wish."""
    return [each.result.key for each in writes if each.result.fresh_until_ms > each.result.at_ms]
