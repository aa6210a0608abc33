"""One round trip to Redis as a value: a count, lookups and writes that are sent together."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from gateway_clients.caching.counters import Count
from gateway_clients.caching.keys import CacheKey
from gateway_clients.caching.lookups import CacheLookup, CacheWrite, Entry, LookupResult, LookupStatus
from gateway_clients.caching.lua import READ, STORE
from gateway_clients.caching.redis_keys import RedisKeys, lease_name, purge_name, redis_keys_of
from gateway_clients.encryption import sealer
from gateway_clients.redis_access.script import ScriptCall

#: The status that READ answers as a number.
STATUSES: Final = (LookupStatus.HIT, LookupStatus.LEASED, LookupStatus.BUSY, LookupStatus.MISS)
_packed: Final = msgspec.msgpack.Encoder().encode
#: Opens the sealed entry of a key; None for one that nobody can read.
Open = Callable[[CacheKey, bytes], Entry | None]


@dataclass(slots=True, kw_only=True)
class RedisRoundTrip:
    """Everything that is sent to Redis together. `LeaseCache.send` sends it and fills in the answers.

    `results` has a result for each lookup, in their order, fewer after a hit of one that ends the lookups. `are_valid`
    says for each write whether it was stored; False: an invalidation came in between; None: it is not known. The
    count's answer is its `value`.
    """

    count: Count | None = None
    lookups: Sequence[CacheLookup] = ()
    writes: Sequence[CacheWrite] = ()
    results: list[LookupResult] = field(default_factory=list)
    are_valid: list[bool | None] = field(default_factory=list)


class LookupCall:
    """The script call that makes lookups, under one lease token for all of them."""

    __slots__ = ("_lookups", "_names", "_token", "script_call")

    def __init__(self, lookups: Sequence[CacheLookup], token: str) -> None:
        self._lookups = lookups
        self._token = token
        self._names = names = redis_keys_of([lookup.key for lookup in lookups])
        args: list[str | bytes | int] = [*names.fields]
        for lookup, own in zip(lookups, names.version_offsets, strict=True):
            args += [
                token if lookup.lease_seconds else "",
                math.ceil(lookup.lease_seconds * 1000),
                lookup.newer_than_ms,
                "last" if lookup.ends_lookups else int(lookup.overdue_seconds * 1000) or "",
                own,
            ]
        self.script_call = ScriptCall(READ, names.keys, args)

    @property
    def leases(self) -> list[tuple[str, str]]:
        """Returns the leases that the lookups asked for, each as its name and token."""
        return [(lease_name(lookup.key), self._token) for lookup in self._lookups if lookup.lease_seconds]

    def results(self, answer: Any, open_entry: Open, *, asked_at: float, answered_at: float) -> list[LookupResult]:
        """Returns the results in the answer of READ. The times are monotonic, in seconds."""
        at_ms, *told = answer
        token = f"{self._token}\n{at_ms}"
        results = []
        for number, (lookup, state, stored_ms, fresh_until_ms, stamp, sealed) in enumerate(
            zip(self._lookups, told[::5], told[1::5], told[2::5], told[3::5], told[4::5], strict=False)
        ):
            entry = open_entry(lookup.key, sealed) if sealed is not None else None
            status = STATUSES[state]
            if status is LookupStatus.HIT and entry is None:
                status = LookupStatus.MISS
            results.append(
                LookupResult(
                    key=lookup.key,
                    status=status,
                    entry=entry,
                    at_ms=at_ms,
                    stored_ms=stored_ms,
                    fresh_until_ms=fresh_until_ms,
                    stamp=stamp,
                    token=token if status is LookupStatus.LEASED else "",
                    asked_at=asked_at,
                    answered_at=answered_at,
                    names=self._names,
                    number=number,
                )
            )
        return results


def write_call(writes: Sequence[CacheWrite]) -> ScriptCall:
    """Returns the script call that stores sealed entries."""
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
    return ScriptCall(STORE, [*names.keys, purge_name()], args)


def _keys_of(writes: Sequence[CacheWrite]) -> tuple[RedisKeys, Sequence[int]]:
    """Names, and the number of each write's key among them.

    The names of the lookup are used again where it was of little else than these writes.
    """
    names = writes[0].result.names
    if (
        names is None
        or len(names.version_offsets) > 2 * len(writes)
        or any(write.result.names is not names for write in writes)
    ):
        return redis_keys_of([write.result.key for write in writes]), range(len(writes))
    return names, [write.result.number for write in writes]
