"""Names, ages and sizes of cached entries, for staff; never their values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from redis import Redis

from gateway_clients.caching.keys import ID_RULE
from gateway_clients.caching.purge import BATCH, names_like
from gateway_clients.redis_access.circuit import RedisCircuit

#: Entries shown, and steps of SCAN, at most: a pattern that matches nothing would else read all that Redis holds.
MOST_SHOWN: Final = 200
MOST_STEPS: Final = 400
#: Entries that are counted before a drop.
MOST_COUNTED: Final = 100_000
PLACE: Final = re.compile(r"([0-9]{1,20})-([0-9]{1,6})")
SUBJECT: Final = re.compile(rf"(?<=:)(member|provider|claim):({ID_RULE})(?=:|$)")
#: The times at the head of an entry are no longer than this; its value begins behind them.
HEAD_BYTES: Final = 27


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEntry:
    """One entry: its key, seconds since it was stored, seconds that it is fresh and kept from now on, bytes."""

    key: str
    age_seconds: float
    fresh_seconds: float
    kept_seconds: float
    size_bytes: int

    @property
    def data_class(self) -> str:
        """The kind of answer."""
        return self.key.partition(":")[0]

    @property
    def shape(self) -> str:
        """The digest of the type that is kept, by which versions of the gateway tell their entries apart."""
        return self.key.rpartition("~")[2] if "~" in self.key else ""

    @property
    def tags(self) -> list[str]:
        """The subject and the reader that the key names, which drop it."""
        return [f"{kind}:{subject}" for kind, subject in SUBJECT.findall(self.key)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The entries found, by key. `next_place` is where the search continues, "" at its end."""

    entries: Sequence[KeptEntry]
    next_place: str = ""

    @property
    def is_cut(self) -> bool:
        """Whether there may be more."""
        return bool(self.next_place)


def entries_matching(circuit: RedisCircuit, pattern: str, *, most: int = MOST_SHOWN, place: str = "") -> Listing:
    """Returns at most `most` entries whose key matches, from `place` on; `*`, `?` and `[…]` as SCAN has them.

    Redis is asked in small steps, and serves others between them. Raises CacheDownError.
    """

    def look_up(redis: Redis) -> Listing:
        names, next_place = _names(redis, names_like("e", pattern), most, place)
        return Listing(entries=_described(redis, names), next_place=next_place)

    return circuit.run(look_up)


def count_matching(circuit: RedisCircuit, pattern: str) -> tuple[int, bool]:
    """Returns how many entries match, and whether all were counted. Raises CacheDownError."""
    wanted = names_like("e", pattern)
    names, next_place = circuit.run(lambda redis: _names(redis, wanted, MOST_COUNTED, ""))
    return len(names), not next_place


def _names(redis: Redis, wanted: str, most: int, place: str) -> tuple[list[bytes], str]:
    """Returns matching names, sorted, and where the search continues: SCAN's cursor and an offset in its step."""
    cursor, skipped = _parsed(place)
    found: dict[bytes, None] = {}
    for _ in range(MOST_STEPS):
        step_at = cursor
        step: Any = redis.scan(step_at, match=wanted, count=BATCH)
        cursor, names = step
        for number, name in enumerate(sorted(set(names))[skipped:], start=skipped):
            if len(found) == most and name not in found:
                return sorted(found), f"{step_at}-{number}"
            found[name] = None
        skipped = 0
        if cursor == 0:
            return sorted(found), ""
    return sorted(found), f"{cursor}-0"


def _parsed(place: str) -> tuple[int, int]:
    match = PLACE.fullmatch(place)
    return (0, 0) if match is None else (int(match[1]), int(match[2]))


def _described(redis: Redis, names: Sequence[bytes]) -> list[KeptEntry]:
    pipeline = redis.pipeline(transaction=False)
    pipeline.time()
    for name in names:
        pipeline.getrange(name, 0, HEAD_BYTES - 1)
        pipeline.strlen(name)
        pipeline.pttl(name)
    (seconds, microseconds), *rest = pipeline.execute(raise_on_error=False)
    now = seconds + microseconds / 1_000_000
    described = (_entry(name, now, rest[3 * i : 3 * i + 3]) for i, name in enumerate(names))
    return [entry for entry in described if entry is not None]


def _entry(name: bytes, now: float, found: Sequence[Any]) -> KeptEntry | None:
    """Returns the entry; None when it has gone, or is not the gateway's."""
    head, size_bytes, kept_ms = found
    if not (isinstance(head, bytes) and isinstance(size_bytes, int) and size_bytes and isinstance(kept_ms, int)):
        return None
    stored_ms, fresh_until_ms, *_ = [*head.split(b","), b"", b""]
    if not (stored_ms.isdigit() and fresh_until_ms.isdigit()):
        return None
    return KeptEntry(
        key=name.decode(errors="replace").removeprefix(f"{settings.CACHE_KEY_PREFIX}:e:"),
        age_seconds=max(0.0, now - int(stored_ms) / 1000),
        fresh_seconds=max(0.0, int(fresh_until_ms) / 1000 - now),
        kept_seconds=max(0.0, kept_ms / 1000),
        size_bytes=size_bytes,
    )
