"""What is kept under a key, what a look at it tells, and the names of both in Redis."""

from collections.abc import Sequence
from enum import StrEnum
from struct import pack
from typing import Final

import msgspec
from django.conf import settings

from gateway_clients.caching.keys import CacheKey


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One kept answer: the encoded value, or that there is none (a 404); the unreadable items; how long it took."""

    body: msgspec.Raw
    is_absent: bool = False
    omitted: int = 0
    fill_seconds: float = 0.0


ENTRY_DECODER: Final = msgspec.msgpack.Decoder(Entry)
ABSENT: Final = Entry(msgspec.Raw(msgspec.msgpack.encode(None)), is_absent=True)


class Found(StrEnum):
    """What a look at a key tells."""

    FRESH = "fresh"
    LEASED = "leased"
    HELD = "held"
    FREE = "free"
    DOWN = "down"


class Names(msgspec.Struct, frozen=True):
    """What the scripts take for several keys: names of homes, generation, leases and entries; the fields of the homes;
    and for each key the places of its versions among them, counted from the generation's, which is 1, two bytes each.
    """

    names: Sequence[str]
    fields: Sequence[str | int]
    places: Sequence[bytes]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a key.

    FRESH: `entry` will do. LEASED: the reader may fill it, under `token` and `stamp`. HELD: somebody else fills it.
    FREE: nobody does, and no lease was asked for. DOWN: Redis was not asked. In all but the first `entry` is the last
    good one, where there is one. `at_ms` is Redis's time of the look, `stored_ms` that of the entry, both milliseconds.
    `names` are those of all keys that were looked at together, `number` is this one's among them, from 0.
    """

    key: CacheKey
    found: Found
    entry: Entry | None = None
    at_ms: int = 0
    stored_ms: int = 0
    fresh_until_ms: int = 0
    stamp: bytes = b""
    token: str = ""
    names: Names | None = None
    number: int = 0

    @property
    def age_seconds(self) -> float:
        """Seconds since the entry was stored."""
        return max(0.0, (self.at_ms - self.stored_ms) / 1000)

    @property
    def fresh_seconds(self) -> float:
        """Seconds for which the entry is still fresh."""
        return max(0.0, (self.fresh_until_ms - self.at_ms) / 1000)


def entry_name(key: CacheKey | str) -> str:
    """Redis's name of an entry."""
    return f"{settings.CACHE_KEY_PREFIX}:e:{key}"


def lease_name(key: CacheKey | str) -> str:
    """Redis's name of the right to fill it."""
    return f"{settings.CACHE_KEY_PREFIX}:l:{key}"


def home_name(home: str) -> str:
    """Redis's name of the versions of a subject's tags."""
    return f"{settings.CACHE_KEY_PREFIX}:v:{home}"


def generation_name() -> str:
    """Redis's name of the version that all entries carry."""
    return f"{settings.CACHE_KEY_PREFIX}:g"


def counter_name(name: str) -> str:
    """Redis's name of a counter."""
    return f"{settings.CACHE_KEY_PREFIX}:n:{name}"


def names_of(keys: Sequence[CacheKey]) -> Names:
    """Those of several keys."""
    homes: dict[str, dict[str, int]] = {}
    for key in keys:
        for home, field in key.versions:
            fields = homes.setdefault(home, {"": 0})
            if field not in fields:
                fields[field] = len(fields)
    all_fields: list[str | int] = [len(homes)]
    starts: dict[str, int] = {}
    start = 2
    for home, fields in homes.items():
        all_fields += [len(fields), *fields]
        starts[home] = start
        start += len(fields)
    places = [
        pack(f"<{len(key.versions)}H", *[starts[home] + homes[home][field] for home, field in key.versions])
        for key in keys
    ]
    prefix = settings.CACHE_KEY_PREFIX
    names = [f"{prefix}:v:{home}" for home in homes]
    names.append(f"{prefix}:g")
    names += [f"{prefix}:l:{key.name}" for key in keys]
    names += [f"{prefix}:e:{key.name}" for key in keys]
    return Names(names, all_fields, places)
