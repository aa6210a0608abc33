"""Looks and fills under leases, several in one round trip; without Redis every look says so and nothing is kept."""

import math
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import structlog
from redis import Redis

from gateway_clients.caching.entries import ENTRY_DECODER, Entry, Fill, Found, Look, Reading
from gateway_clients.caching.guard import CacheDownError, RedisGuard
from gateway_clients.caching.keys import CacheKey
from gateway_clients.caching.names import Names, entry_name, lease_name, names_of, purge_name
from gateway_clients.caching.scripts import READ, RELEASE, STORE, Rider, ScriptCall
from gateway_clients.caching.sealing import UnsealableError, sealer
from gateway_clients.conf import lifetime
from gateway_clients.instrumentation.rates import rate_book

#: Seconds that a 404 is kept at most.
ABSENT_SECONDS: Final = 30.0
#: Seconds that an answer is kept at most of which something could not be read; it is no last good answer either.
PARTIAL_SECONDS: Final = 5.0
#: The share of an entry's life that chance takes off, so that entries made together do not end together.
JITTER: Final = 0.1
#: Leases asked for in vain that are remembered; the others end by themselves.
MOST_LOST_LEASES: Final = 10_000
#: What the script says, by its number.
FOUND: Final = (Found.FRESH, Found.LEASED, Found.HELD, Found.FREE)
_packed: Final = msgspec.msgpack.Encoder().encode
log = structlog.get_logger(__name__)


def new_token() -> str:
    """A name that no other lease has; no secret."""
    return f"{random.getrandbits(64):016x}"


class LeasedCache:
    """Entries in Redis, filled under leases. No method raises when Redis is down or frozen."""

    def __init__(
        self,
        guard: RedisGuard,
        *,
        chance: Callable[[], float] = random.random,
        token: Callable[[], str] = new_token,
    ) -> None:
        self.guard = guard
        self._chance = chance
        self._token = token
        self._lost_leases: deque[tuple[str, str]] = deque(maxlen=MOST_LOST_LEASES)
        guard.on_return(self._release_lost)

    @property
    def is_down(self) -> bool:
        """Whether Redis is not being asked at the moment."""
        return self.guard.is_down

    def read(self, looks: Sequence[Look], rider: Rider | None = None) -> list[Reading]:
        """A reading for each look, in their order; fewer when one that ends the reading was fresh. One round trip.

        The rider goes along, if it is waiting and Redis answers.
        """
        if not looks:
            return []
        names = names_of([look.key for look in looks])
        args: list[str | bytes | int] = [*names.fields]
        token = self._token()
        for look, own in zip(looks, names.places, strict=True):
            args += [
                token if look.lease_seconds else "",
                math.ceil(look.lease_seconds * 1000),
                look.newer_than_ms,
                "last" if look.ends_reading else int(look.overdue_seconds * 1000) or "",
                own,
            ]
        asked_at = time.monotonic()
        try:
            answer = self._asked(ScriptCall(READ, names.keys, args), rider)
        except CacheDownError as error:
            if error.was_asked:
                self._lost_leases.extend((lease_name(look.key), token) for look in looks if look.lease_seconds)
            return [Reading(key=look.key, found=Found.DOWN, asked_at=asked_at) for look in looks]
        answered_at = time.monotonic()
        at_ms, *told = answer
        token = f"{token}\n{at_ms}"
        readings = []
        for number, (look, state, stored_ms, fresh_until_ms, stamp, sealed) in enumerate(
            zip(looks, told[::5], told[1::5], told[2::5], told[3::5], told[4::5], strict=False)
        ):
            entry = self._open(look.key, sealed) if sealed is not None else None
            found = FOUND[state]
            if found is Found.FRESH and entry is None:
                found = Found.FREE
            readings.append(
                Reading(
                    key=look.key,
                    found=found,
                    entry=entry,
                    at_ms=at_ms,
                    stored_ms=stored_ms,
                    fresh_until_ms=fresh_until_ms,
                    stamp=stamp,
                    token=token if found is Found.LEASED else "",
                    asked_at=asked_at,
                    answered_at=answered_at,
                    names=names,
                    number=number,
                )
            )
        self._count(readings)
        return readings

    def _count(self, readings: Sequence[Reading]) -> None:
        found = [reading.found for reading in readings]
        hits, waits = found.count(Found.FRESH), found.count(Found.HELD)
        rate_book().count_looks(hits=hits, misses=len(found) - hits - waits)

    def _asked(self, call: ScriptCall, rider: Rider | None) -> Any:
        beside = rider.waiting if rider is not None else None
        if rider is None or beside is None:
            (answer,) = self.guard.scripts([call])
            return answer
        told, answer = self.guard.scripts([beside, call])
        rider.take(told)
        return answer

    def _open(self, key: CacheKey, sealed: bytes) -> Entry | None:
        try:
            return ENTRY_DECODER.decode(sealer().open(key.name, sealed))
        except (UnsealableError, msgspec.MsgspecError, RecursionError):
            log.warning("cache.undecodable", data_class=str(key.data_class))
            self.discard(key)
            return None

    def is_refresh_due(self, reading: Reading) -> bool:
        """Whether a shared entry is better filled anew before it expires: the likelier, the nearer that is.

        XFetch: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015.
        """
        if not reading.key.is_shared or reading.entry is None:
            return False
        lead_seconds = -reading.entry.fill_seconds * math.log(1 - self._chance())
        return lead_seconds >= reading.fresh_seconds

    def fill_of(self, reading: Reading, entry: Entry) -> Fill:
        """What to store: the life of its data class, shortened by chance; 30 s at most for a 404, 5 s for a part."""
        life = lifetime(reading.key.data_class)
        fresh_seconds = life.fresh_seconds * (1 - JITTER * self._chance())
        if entry.is_absent or not entry.is_whole:
            fresh_seconds = min(fresh_seconds, ABSENT_SECONDS if entry.is_absent else PARTIAL_SECONDS)
            return Fill(reading=reading, entry=entry, fresh_seconds=fresh_seconds, kept_seconds=fresh_seconds)
        kept_seconds = fresh_seconds + life.stale_seconds
        return Fill(reading=reading, entry=entry, fresh_seconds=fresh_seconds, kept_seconds=kept_seconds)

    def store(self, fills: Sequence[Fill], *, may_leave: Callable[[], bool] = lambda: False) -> list[bool | None]:
        """Whether each is valid: False when an invalidation came in between (it is not stored then). One round trip.

        None, which says neither, while Redis is down, and without waiting when `may_leave`, asked once the fills are on
        their way, says that nobody needs to know.
        """
        if not fills:
            return []
        names, numbers = _names_of(fills)
        args: list[str | bytes | int] = [*names.fields]
        seal = sealer().seal
        for fill, number in zip(fills, numbers, strict=True):
            reading = fill.reading
            args += [
                number + 1,
                reading.token,
                reading.at_ms,
                reading.stamp,
                int(fill.fresh_seconds * 1000),
                int(fill.kept_seconds * 1000),
                names.places[number],
                seal(reading.key.name, _packed(fill.entry)),
            ]
        try:
            answers = self.guard.scripts_or_leave([ScriptCall(STORE, [*names.keys, purge_name()], args)], may_leave)
        except CacheDownError:
            answers = None
        return [None for _ in fills] if answers is None else [answer == 1 for answer in answers[0]]

    def release(self, readings: Sequence[Reading]) -> None:
        """Gives back the leases of these readings."""
        held = [reading for reading in readings if reading.token]
        if not held:
            return
        try:
            self.guard.script(RELEASE, [lease_name(reading.key) for reading in held], [r.token for r in held])
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
            self.guard.run(lambda redis: redis.unlink(entry_name(key)))
        except CacheDownError:
            return


def _names_of(fills: Sequence[Fill]) -> tuple[Names, Sequence[int]]:
    """Names, and the number of each fill's key among them; those of the reading, where it was of little else."""
    names = fills[0].reading.names
    if names is None or len(names.places) > 2 * len(fills) or any(fill.reading.names is not names for fill in fills):
        return names_of([fill.reading.key for fill in fills]), range(len(fills))
    return names, [fill.reading.number for fill in fills]
