"""Names in Redis of entries, leases and versions."""

from collections.abc import Sequence
from struct import pack

import msgspec
from django.conf import settings

from gateway_clients.caching.keys import CacheKey


class RedisKeys(msgspec.Struct, frozen=True):
    """The arguments of the scripts for several keys.

    `keys` names version hashes, generation, leases and entries, `fields` the fields of the hashes; `version_offsets`
    has for each key the positions of its versions among the fields, two bytes each; the generation's is 1.
    """

    keys: Sequence[str]
    fields: Sequence[str | int]
    version_offsets: Sequence[bytes]


def entry_name(key: CacheKey | str) -> str:
    """Returns the name in Redis of an entry."""
    return f"{settings.CACHE_KEY_PREFIX}:e:{key}"


def lease_name(key: CacheKey | str) -> str:
    """Returns the name in Redis of an entry's lease."""
    return f"{settings.CACHE_KEY_PREFIX}:l:{key}"


def version_hash_name(home: str) -> str:
    """Returns the name in Redis of the hash of a subject's tag versions."""
    return f"{settings.CACHE_KEY_PREFIX}:v:{home}"


def purge_name() -> str:
    """Returns the name in Redis of the last purge's time: what was looked up before it is not stored after it."""
    return f"{settings.CACHE_KEY_PREFIX}:p"


def redis_keys_of(keys: Sequence[CacheKey]) -> RedisKeys:
    """Returns the names and versions of several keys."""
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
