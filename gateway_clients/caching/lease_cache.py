"""Lookups and writes under leases, several in one round trip; without Redis every look says so and nothing is kept."""

import math
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import structlog
from redis import Redis

from gateway_clients.caching.keys import CacheKey
from gateway_clients.caching.lookups import ENTRY_DECODER, CacheLookup, CacheWrite, Entry, LookupResult, LookupStatus
from gateway_clients.caching.lua import READ, RELEASE, STORE
from gateway_clients.caching.redis_keys import RedisKeys, entry_name, lease_name, purge_name, redis_keys_of
from gateway_clients.conf import lifetime
from gateway_clients.encryption import UnsealableError, sealer
from gateway_clients.instrumentation.rates import rate_book
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit
from gateway_clients.redis_access.script import PiggybackCommand, ScriptCall

#: Seconds that a 404 is kept at most.
ABSENT_SECONDS: Final = 30.0
#: Seconds that an answer is kept at most of which something could not be read; it is no last good answer either.
PARTIAL_SECONDS: Final = 5.0
#: The share of an entry's life that chance takes off, so that entries made together do not end together.
JITTER: Final = 0.1
#: Leases asked for in vain that are remembered; the others end by themselves.
MOST_LOST_LEASES: Final = 10_000
#: What the script says, by its number.
STATUSES: Final = (LookupStatus.HIT, LookupStatus.LEASED, LookupStatus.BUSY, LookupStatus.MISS)
_packed: Final = msgspec.msgpack.Encoder().encode
log = structlog.get_logger(__name__)


def new_token() -> str:
    """A name that no other lease has; no secret."""
    return f"{random.getrandbits(64):016x}"


class LeaseCache:
    """Entries in Redis, filled under leases. No method raises when Redis is down or frozen."""

    def __init__(
        self,
        circuit: RedisCircuit,
        *,
        chance: Callable[[], float] = random.random,
        token: Callable[[], str] = new_token,
    ) -> None:
        self.circuit = circuit
        self._chance = chance
        self._token = token
        self._lost_leases: deque[tuple[str, str]] = deque(maxlen=MOST_LOST_LEASES)
        circuit.on_return(self._release_lost)

    @property
    def is_down(self) -> bool:
        """Whether Redis is not being asked at the moment."""
        return self.circuit.is_down

    def read(self, lookups: Sequence[CacheLookup], piggyback: PiggybackCommand | None = None) -> list[LookupResult]:
        """A reading for each look, in their order; fewer when one that ends the reading was fresh. One round trip.

        The piggybacked command goes along, if it is pending and Redis answers.
        """
        if not lookups:
            return []
        names = redis_keys_of([lookup.key for lookup in lookups])
        args: list[str | bytes | int] = [*names.fields]
        token = self._token()
        for lookup, own in zip(lookups, names.version_offsets, strict=True):
            args += [
                token if lookup.lease_seconds else "",
                math.ceil(lookup.lease_seconds * 1000),
                lookup.newer_than_ms,
                "last" if lookup.ends_lookups else int(lookup.overdue_seconds * 1000) or "",
                own,
            ]
        asked_at = time.monotonic()
        try:
            answer = self._asked(ScriptCall(READ, names.keys, args), piggyback)
        except CacheDownError as error:
            if error.was_asked:
                self._lost_leases.extend((lease_name(lookup.key), token) for lookup in lookups if lookup.lease_seconds)
            return [LookupResult(key=lookup.key, status=LookupStatus.DOWN, asked_at=asked_at) for lookup in lookups]
        answered_at = time.monotonic()
        at_ms, *told = answer
        token = f"{token}\n{at_ms}"
        results = []
        for number, (lookup, state, stored_ms, fresh_until_ms, stamp, sealed) in enumerate(
            zip(lookups, told[::5], told[1::5], told[2::5], told[3::5], told[4::5], strict=False)
        ):
            entry = self._open(lookup.key, sealed) if sealed is not None else None
            found = STATUSES[state]
            if found is LookupStatus.HIT and entry is None:
                found = LookupStatus.MISS
            results.append(
                LookupResult(
                    key=lookup.key,
                    status=found,
                    entry=entry,
                    at_ms=at_ms,
                    stored_ms=stored_ms,
                    fresh_until_ms=fresh_until_ms,
                    stamp=stamp,
                    token=token if found is LookupStatus.LEASED else "",
                    asked_at=asked_at,
                    answered_at=answered_at,
                    names=names,
                    number=number,
                )
            )
        self._count(results)
        return results

    def _count(self, results: Sequence[LookupResult]) -> None:
        found = [result.status for result in results]
        hits, waits = found.count(LookupStatus.HIT), found.count(LookupStatus.BUSY)
        rate_book().count_looks(hits=hits, misses=len(found) - hits - waits)

    def _asked(self, call: ScriptCall, piggyback: PiggybackCommand | None) -> Any:
        beside = piggyback.pending_command if piggyback is not None else None
        if piggyback is None or beside is None:
            (answer,) = self.circuit.scripts([call])
            return answer
        told, answer = self.circuit.scripts([beside, call])
        piggyback.take(told)
        return answer

    def _open(self, key: CacheKey, sealed: bytes) -> Entry | None:
        try:
            return ENTRY_DECODER.decode(sealer().open(key.name, sealed))
        except (UnsealableError, msgspec.MsgspecError, RecursionError):
            log.warning("cache.undecodable", data_class=str(key.data_class))
            self.discard(key)
            return None

    def is_refresh_due(self, result: LookupResult) -> bool:
        """Whether a shared entry is better filled anew before it expires: the likelier, the nearer that is.

        XFetch: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015.
        """
        if not result.key.is_shared or result.entry is None:
            return False
        lead_seconds = -result.entry.fill_seconds * math.log(1 - self._chance())
        return lead_seconds >= result.fresh_seconds

    def write_for(self, result: LookupResult, entry: Entry) -> CacheWrite:
        """What to store: the life of its data class, shortened by chance; 30 s at most for a 404, 5 s for a part."""
        life = lifetime(result.key.data_class)
        fresh_seconds = life.fresh_seconds * (1 - JITTER * self._chance())
        if entry.is_absent or not entry.is_whole:
            fresh_seconds = min(fresh_seconds, ABSENT_SECONDS if entry.is_absent else PARTIAL_SECONDS)
            return CacheWrite(result=result, entry=entry, fresh_seconds=fresh_seconds, kept_seconds=fresh_seconds)
        kept_seconds = fresh_seconds + life.stale_seconds
        return CacheWrite(result=result, entry=entry, fresh_seconds=fresh_seconds, kept_seconds=kept_seconds)

    def store(
        self, writes: Sequence[CacheWrite], *, fire_and_forget_if: Callable[[], bool] = lambda: False
    ) -> list[bool | None]:
        """Whether each is valid: False when an invalidation came in between (it is not stored then). One round trip.

        None, which says neither, while Redis is down, and without waiting when `fire_and_forget_if`, asked once the
        writes are on their way, says that nobody needs to know.
        """
        if not writes:
            return []
        names, numbers = _keys_of(writes)
        args: list[str | bytes | int] = [*names.fields]
        seal = sealer().seal
        for write, number in zip(writes, numbers, strict=True):
            result = write.result
            args += [
                number + 1,
                result.token,
                result.at_ms,
                result.stamp,
                int(write.fresh_seconds * 1000),
                int(write.kept_seconds * 1000),
                names.version_offsets[number],
                seal(result.key.name, _packed(write.entry)),
            ]
        try:
            answers = self.circuit.scripts_or_leave(
                [ScriptCall(STORE, [*names.keys, purge_name()], args)], fire_and_forget_if
            )
        except CacheDownError:
            answers = None
        return [None for _ in writes] if answers is None else [answer == 1 for answer in answers[0]]

    def release(self, results: Sequence[LookupResult]) -> None:
        """Gives back the leases of these readings."""
        held = [result for result in results if result.token]
        if not held:
            return
        try:
            self.circuit.script(RELEASE, [lease_name(result.key) for result in held], [r.token for r in held])
        except CacheDownError:
            return

    def _release_lost(self, redis: Redis) -> None:
        """Gives back what a Redis that froze has taken for callers who are gone: it does what it was asked when it
        thaws. Raises RedisError, and remembers them on.
        """
        lost = list(self._lost_leases)
        if lost:
            redis.eval(RELEASE.source, len(lost), *(name for name, _ in lost), *(token for _, token in lost))
            for _ in lost:
                self._lost_leases.popleft()

    def discard(self, key: CacheKey) -> None:
        """Drops an entry that nobody can read; whoever fills it now goes on."""
        try:
            self.circuit.run(lambda redis: redis.unlink(entry_name(key)))
        except CacheDownError:
            return


def _keys_of(writes: Sequence[CacheWrite]) -> tuple[RedisKeys, Sequence[int]]:
    """Names, and the number of each fill's key among them; those of the reading, where it was of little else."""
    names = writes[0].result.names
    if (
        names is None
        or len(names.version_offsets) > 2 * len(writes)
        or any(write.result.names is not names for write in writes)
    ):
        return redis_keys_of([write.result.key for write in writes]), range(len(writes))
    return names, [write.result.number for write in writes]
