"""Dropping what is no longer true: by tag in constant time, by name, by pattern for staff; kept while Redis is down."""

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

import structlog
from django.conf import settings
from redis import Redis

from gateway_clients.caching.keys import version_of
from gateway_clients.caching.lua import CHANGE, PURGE, PURGE_MS
from gateway_clients.caching.redis_keys import purge_name, version_hash_name
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit
from gateway_clients.redis_access.server_keys import generation_name
from gateway_clients.runtime.thread_gate import thread_gate

#: More tags and names than this are not remembered one by one: all that is cached goes instead.
MOST_KEPT: Final = 10_000
BATCH: Final = 500
log = structlog.get_logger(__name__)

Listener = Callable[[frozenset[str]], None]


def new_version() -> str:
    """A version that was never used before, also not by a tag whose earlier version Redis has forgotten."""
    return f"{time.time_ns():x}{secrets.token_hex(4)}"


class Invalidations:
    """What was invalidated while Redis was down, and who else in this process wants to know of invalidations.

    While Redis is down everything is kept, and applied before this process uses Redis again. No method raises for that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept_tags: set[str] = set()
        self._kept_names: set[str] = set()
        self._is_everything_kept = False
        self._kept_since = 0.0
        self._nothing_is_kept = threading.Event()
        self._nothing_is_kept.set()
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Calls the listener with the tags of each invalidation of this process; an empty set: everything."""
        self._listeners.append(listener)

    def invalidate(self, circuit: RedisCircuit, tags: Iterable[str]) -> bool:
        """Voids all entries with one of the tags, and the fills of them that are under way. Whether Redis was told."""
        wanted = frozenset(tags)
        if not wanted:
            return True
        is_told = circuit.run_or_keep(lambda redis: write_versions(redis, wanted), lambda: self._keep(tags=wanted))
        if not is_told:
            log.warning("cache.invalidation_kept", tags=len(wanted))
        self._tell(wanted)
        return is_told

    def invalidate_everything(self, circuit: RedisCircuit) -> None:
        """Voids all entries by raising the generation they carry."""
        if not circuit.run_or_keep(raise_generation, self._keep_everything):
            log.warning("cache.invalidation_kept", tags="all")
        self._tell(frozenset())

    def drop(self, circuit: RedisCircuit, names: Iterable[str]) -> bool:
        """Drops these names in Redis, and voids views that are being put together; whether at once."""
        wanted = frozenset(names)
        return circuit.run_or_keep(lambda redis: drop_names(redis, wanted), lambda: self._keep(names=wanted))

    def invalidate_pattern(self, circuit: RedisCircuit, pattern: str) -> int | None:
        """As `purge_pattern`; None while Redis is down: then all that is cached goes when it is back."""
        count: int | None = None
        try:
            count = purge_pattern(circuit, pattern)
        except CacheDownError:
            self.invalidate_everything(circuit)
        else:
            self._tell(frozenset())
        return count

    def apply_kept(self, redis: Redis) -> None:
        """Writes what was kept. Raises RedisError when it cannot; then all is kept on."""
        with self._lock:
            tags, names = frozenset(self._kept_tags), frozenset(self._kept_names)
            if self._is_everything_kept:
                raise_generation(redis)
            if tags:
                write_versions(redis, tags)
            if names:
                drop_names(redis, names)
            self._kept_tags.clear()
            self._kept_names.clear()
            self._is_everything_kept = False
            self._nothing_is_kept.set()

    def await_return(self, seconds: float) -> None:
        """Waits until Redis was told what was kept, or until so long after the first of it was kept."""
        with self._lock:
            give_up_at = self._kept_since + seconds
        with thread_gate().blocked():
            self._nothing_is_kept.wait(max(0.0, give_up_at - time.monotonic()))

    def _begin_to_keep(self) -> None:
        if self._nothing_is_kept.is_set():
            self._kept_since = time.monotonic()
            self._nothing_is_kept.clear()

    def _keep(self, *, tags: frozenset[str] = frozenset(), names: frozenset[str] = frozenset()) -> None:
        with self._lock:
            self._begin_to_keep()
            self._kept_tags |= tags
            self._kept_names |= names
            if len(self._kept_tags) + len(self._kept_names) > MOST_KEPT:
                self._kept_tags.clear()
                self._kept_names.clear()
                self._is_everything_kept = True

    def _keep_everything(self) -> None:
        with self._lock:
            self._begin_to_keep()
            self._is_everything_kept = True

    def _tell(self, tags: frozenset[str]) -> None:
        for listener in self._listeners:
            listener(tags)


def write_versions(redis: Redis, tags: frozenset[str]) -> None:
    """Gives each tag a new version. One round trip."""
    versions = [version_of(tag) for tag in tags]
    changes = [text for _, field in versions for text in (field, new_version())]
    redis.eval(CHANGE.source, len(versions), *(version_hash_name(home) for home, _ in versions), *changes)


def raise_generation(redis: Redis) -> None:
    """Gives all that is cached a new version."""
    redis.set(generation_name(), new_version())


def exactly(text: str) -> str:
    """The pattern that matches this text alone."""
    return re.sub(r"([*?\[\]^\\])", r"\\\1", text)


def names_like(kind: str, pattern: str) -> str:
    """The pattern of the names of a kind (`e` entries, `l` leases) whose key matches."""
    return f"{exactly(f'{settings.CACHE_KEY_PREFIX}:{kind}:')}{pattern}"


def purge_pattern(circuit: RedisCircuit, pattern: str) -> int:
    """Drops all entries whose key matches, and the leases of their fills; for staff. Returns how many entries.

    Leases go first, so that no fill that is under way is stored behind the purge. A view is put together without one:
    none is kept that was looked for before the end of the purge, because it may be made of what goes. `*`, `?` and
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
    """Drops these names, as a purge does. One round trip."""
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
