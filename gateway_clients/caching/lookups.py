"""Entries, lookups with their results, and writes, as values."""

from enum import StrEnum
from typing import Final

import msgspec

from gateway_clients.caching.keys import CacheKey
from gateway_clients.caching.redis_keys import RedisKeys


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One cached answer: the encoded value, or that there is none (a 404); its unreadable items; how long it took.

    `drifted` names the fields that could not be read.
    """

    body: msgspec.Raw
    is_absent: bool = False
    omitted: int = 0
    fill_seconds: float = 0.0
    drifted: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether everything that the upstream sent could be read."""
        return not (self.omitted or self.drifted)


ENTRY_DECODER: Final = msgspec.msgpack.Decoder(Entry)
ABSENT: Final = Entry(msgspec.Raw(msgspec.msgpack.encode(None)), is_absent=True)


class LookupStatus(StrEnum):
    """The kind of a lookup's result."""

    HIT = "fresh"
    LEASED = "leased"
    BUSY = "held"
    MISS = "free"
    DOWN = "down"


class CacheLookup(msgspec.Struct, frozen=True, kw_only=True):
    """A question to the cache about one key.

    `lease_seconds`: the lease that a miss takes (0: none). `newer_than_ms`: an entry stored before
    counts as expired (-1: every entry does).

    `ends_lookups`: after a hit the lookups behind it are not made (a whole view before its sections).
    `overdue_seconds`: a lease that another reader has held for so long is taken over (0: never).
    """

    key: CacheKey
    lease_seconds: float = 0.0
    newer_than_ms: int = 0
    ends_lookups: bool = False
    overdue_seconds: float = 0.0


class LookupResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one lookup.

    HIT: `entry` is fresh. LEASED: the reader fills it, under `token` and `stamp`. BUSY: another reader fills it. MISS:
    nobody fills it, and no lease was asked for. DOWN: Redis was not asked. In all but the first `entry` is the last
    good one, where there is one. `at_ms` is Redis's time of the look, `stored_ms` that of the entry, both milliseconds.
    `asked_at` and `answered_at` are the monotonic moments of this process just before Redis was asked and just after it
    answered: Redis looked at some moment between them. All that was looked at together has the same two, and nothing
    else has. `names` are those of all keys that were looked at together, `number` is this one's among them, from 0.
    `is_near`: it came from this process's own memory, and the two moments are those of when Redis was asked for it.
    """

    key: CacheKey
    status: LookupStatus
    entry: Entry | None = None
    at_ms: int = 0
    stored_ms: int = 0
    fresh_until_ms: int = 0
    stamp: bytes = b""
    token: str = ""
    asked_at: float = 0.0
    answered_at: float = 0.0
    names: RedisKeys | None = None
    number: int = 0
    is_near: bool = False

    @property
    def age_seconds(self) -> float:
        """Seconds since the entry was stored."""
        return max(0.0, (self.at_ms - self.stored_ms) / 1000)

    @property
    def ttl_seconds(self) -> float:
        """Seconds for which the entry is still fresh; negative since it expired."""
        return (self.fresh_until_ms - self.at_ms) / 1000

    @property
    def fresh_seconds(self) -> float:
        """Seconds for which the entry is still fresh."""
        return max(0.0, (self.fresh_until_ms - self.at_ms) / 1000)


class CacheWrite(msgspec.Struct, frozen=True, kw_only=True):
    """An entry to store under the lookup that allowed it."""

    result: LookupResult
    entry: Entry
    fresh_seconds: float
    kept_seconds: float
