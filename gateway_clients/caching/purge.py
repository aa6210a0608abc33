"""Deletes entries by name, and by pattern for staff, in batches that other commands run between."""

import re
import secrets
from collections.abc import Iterable
from typing import Final

from django.conf import settings
from redis import Redis

from gateway_clients.caching.lua import PURGE, PURGE_MS
from gateway_clients.caching.redis_keys import purge_name
from gateway_clients.redis_access.circuit import RedisCircuit

#: Names that one command of Redis scans or deletes.
BATCH: Final = 500


def exactly(text: str) -> str:
    """Returns the pattern that matches this text alone."""
    return re.sub(r"([*?\[\]^\\])", r"\\\1", text)


def names_like(kind: str, pattern: str) -> str:
    """Returns the pattern of names of a kind (`e` entries, `l` leases) whose key matches."""
    return f"{exactly(f'{settings.CACHE_KEY_PREFIX}:{kind}:')}{pattern}"


def purge_pattern(circuit: RedisCircuit, pattern: str) -> int:
    """Drops all entries whose key matches, and the leases of their fills; for staff. Returns how many entries.

    Leases go first, so that no fill under way is stored after the purge. A view is put together without a lease: none
    is stored that was looked up before the end of the purge, because it may be made of purged entries. `*`, `?` and
    `[…]` as Redis's SCAN has them. Raises CacheDownError.
    """

    def purge(redis: Redis) -> int:
        token = secrets.token_hex(4)
        _drop_in_batches(redis, token, redis.scan_iter(match=names_like("l", pattern), count=BATCH))
        count = _drop_in_batches(redis, token, redis.scan_iter(match=names_like("e", pattern), count=BATCH))
        _set_purge(redis, token)
        return count

    return circuit.run(purge)


def drop_names(redis: Redis, names: Iterable[str]) -> None:
    """Deletes these names, as a purge does. One round trip."""
    _set_purge(redis, secrets.token_hex(4), names)


def _set_purge(redis: Redis, token: str, names: Iterable[str] = (), *, ahead_ms: int = 0) -> None:
    keys = [purge_name(), *names]
    redis.eval(PURGE.source, len(keys), *keys, token, ahead_ms)


def _drop_in_batches(redis: Redis, token: str, names: Iterable[bytes]) -> int:
    count = 0
    batch: list[bytes] = []
    _set_purge(redis, token, ahead_ms=PURGE_MS)
    for name in names:
        batch.append(name)
        if len(batch) == BATCH:
            _set_purge(redis, token, ahead_ms=PURGE_MS)
            count += redis.unlink(*batch)
            batch.clear()
    return count + (redis.unlink(*batch) if batch else 0)
