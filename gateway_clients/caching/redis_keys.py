"""What entries, leases, versions and counters are called in Redis."""

from collections.abc import Sequence
from struct import pack

import msgspec
from django.conf import settings

from gateway_clients.caching.keys import CacheKey


class RedisKeys(msgspec.Struct, frozen=True):
    """What the scripts take for several keys: names of homes, generation, leases and entries; the fields of the homes;
    and for each key the places of its versions among them, counted from the generation's, which is 1, two bytes each.
    """

    keys: Sequence[str]
    fields: Sequence[str | int]
    version_offsets: Sequence[bytes]


def entry_name(key: CacheKey | str) -> str:
    """Redis's name of an entry."""
    return f"{settings.CACHE_KEY_PREFIX}:e:{key}"


def lease_name(key: CacheKey | str) -> str:
    """Redis's name of the right to fill it."""
    return f"{settings.CACHE_KEY_PREFIX}:l:{key}"


def version_hash_name(home: str) -> str:
    """Redis's name of the versions of a subject's tags."""
    return f"{settings.CACHE_KEY_PREFIX}:v:{home}"


def purge_name() -> str:
    """Redis's name of the time up to which what was looked at is no base for what is stored now."""
    return f"{settings.CACHE_KEY_PREFIX}:p"


def counter_name(name: str) -> str:
    """Redis's name of a counter."""
    return f"{settings.CACHE_KEY_PREFIX}:n:{name}"


def redis_keys_of(keys: Sequence[CacheKey]) -> RedisKeys:
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
    version_offsets = [
        pack(f"<{len(key.versions)}H", *[starts[home] + homes[home][field] for home, field in key.versions])
        for key in keys
    ]
    prefix = settings.CACHE_KEY_PREFIX
    names = [f"{prefix}:v:{home}" for home in homes]
    names.append(f"{prefix}:g")
    names += [f"{prefix}:l:{key.name}" for key in keys]
    names += [f"{prefix}:e:{key.name}" for key in keys]
    return RedisKeys(names, all_fields, version_offsets)
