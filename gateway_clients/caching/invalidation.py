"""Invalidation by tag in constant time, and by name.

While Redis is down invalidations are kept, and applied before this process uses Redis again.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

import structlog
from redis import Redis

from gateway_clients.caching.keys import version_of
from gateway_clients.caching.lua import CHANGE
from gateway_clients.caching.purge import drop_names, purge_pattern
from gateway_clients.caching.redis_keys import version_hash_name
from gateway_clients.cluster.channel import ENTRIES
from gateway_clients.cluster.membership import Cluster, Telling
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit
from gateway_clients.redis_access.server_keys import generation_name

#: With more tags and names than this to keep, every entry is voided instead.
MOST_KEPT: Final = 10_000
log = structlog.get_logger(__name__)

Listener = Callable[[frozenset[str]], None]


def new_version() -> str:
    """Returns a version that no tag has had, not even one that Redis has lost."""
    return f"{time.time_ns():x}{secrets.token_hex(4)}"


class Invalidations:
    """Invalidates in Redis and calls the listeners of this process.

    While Redis is down invalidations are kept, and applied before this process uses Redis again. No method raises for
    that.
    """

    def __init__(self, cluster: Cluster | None = None) -> None:
        self._cluster = cluster
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
        """Voids the entries with one of the tags and their fills under way; returns whether Redis was told."""
        wanted = frozenset(tags)
        if not wanted:
            return True
        self._forget_here(wanted)
        is_told = self._run_or_keep(
            circuit, lambda redis: self.write_versions(redis, wanted), lambda: self._keep(tags=wanted), wanted
        )
        if not is_told:
            log.warning("cache.invalidation_kept", tags=len(wanted))
        self._tell(wanted)
        return is_told

    def invalidate_everything(self, circuit: RedisCircuit) -> None:
        """Voids all entries by raising the generation they carry."""
        self._forget_here(())
        if not self._run_or_keep(circuit, self.raise_generation, self._keep_everything):
            log.warning("cache.invalidation_kept", tags="all")
        self._tell(frozenset())

    def drop(self, circuit: RedisCircuit, names: Iterable[str]) -> bool:
        """Deletes these names in Redis, and voids views that are being put together; returns whether at once."""
        wanted = frozenset(names)
        self._forget_here(wanted)
        return self._run_or_keep(
            circuit, lambda redis: self.drop_names(redis, wanted), lambda: self._keep(names=wanted), wanted
        )

    def invalidate_pattern(self, circuit: RedisCircuit, pattern: str) -> int | None:
        """Does what `purge_pattern` does; returns None while Redis is down: every entry is voided on its return."""
        count: int | None = None
        try:
            count = self.purge_pattern(circuit, pattern)
        except CacheDownError:
            self.invalidate_everything(circuit)
        return count

    def purge_pattern(self, circuit: RedisCircuit, pattern: str) -> int:
        """Does what the function does, and makes every process drop its near cache. Raises CacheDownError."""
        count = purge_pattern(circuit, pattern)
        self._forget_here(())
        _await(circuit.run(self._told))
        self._tell(frozenset())
        return count

    def write_versions(self, redis: Redis, tags: frozenset[str]) -> Telling | None:
        """Gives each tag a new version, and tells the other processes; None without any. Raises RedisError."""
        write_versions(redis, tags)
        return self._told(redis, tags)

    def raise_generation(self, redis: Redis) -> Telling | None:
        """Raises the generation, which voids every entry, and tells the other processes. Raises RedisError."""
        raise_generation(redis)
        return self._told(redis)

    def drop_names(self, redis: Redis, names: frozenset[str]) -> Telling | None:
        """Deletes these names, and tells the other processes. Raises RedisError."""
        drop_names(redis, names)
        return self._told(redis, names)

    def _told(self, redis: Redis, names: Iterable[str] = ()) -> Telling | None:
        return None if self._cluster is None else self._cluster.tell(redis, ENTRIES, tuple(names))

    def _forget_here(self, names: Iterable[str]) -> None:
        if self._cluster is not None:
            self._cluster.near.drop(names)

    def _run_or_keep(
        self,
        circuit: RedisCircuit,
        command: Callable[[Redis], Telling | None],
        keep: Callable[[], None],
        names: Iterable[str] = (),
    ) -> bool:
        """Runs the command and waits until all processes have heard of it, or keeps it; returns whether it was run.

        What is kept has not changed in Redis: what was found there meanwhile is forgotten here once more.
        """
        told: list[Telling | None] = []
        is_told = circuit.run_or_keep(lambda redis: told.append(command(redis)), keep)
        if not is_told:
            self._forget_here(names)
        for telling in told:
            _await(telling)
        return is_told

    def apply_kept(self, redis: Redis) -> None:
        """Applies the kept invalidations. Raises RedisError, and keeps them, when Redis does not take them."""
        with self._lock:
            tags, names = frozenset(self._kept_tags), frozenset(self._kept_names)
            if self._is_everything_kept:
                self.raise_generation(redis)
            if tags:
                self.write_versions(redis, tags)
            if names:
                self.drop_names(redis, names)
            self._kept_tags.clear()
            self._kept_names.clear()
            self._is_everything_kept = False
            self._nothing_is_kept.set()

    def await_return(self, seconds: float) -> None:
        """Waits until the kept invalidations are applied, or until `seconds` after the first of them was kept."""
        with self._lock:
            give_up_at = self._kept_since + seconds
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


def _await(telling: Telling | None) -> None:
    if telling is not None:
        telling.wait()


def write_versions(redis: Redis, tags: frozenset[str]) -> None:
    """Gives each tag a new version. One round trip."""
    versions = [version_of(tag) for tag in tags]
    changes = [text for _, field in versions for text in (field, new_version())]
    redis.eval(CHANGE.source, len(versions), *(version_hash_name(home) for home, _ in versions), *changes)


def raise_generation(redis: Redis) -> None:
    """Raises the generation, which voids every entry."""
    redis.set(generation_name(), new_version())
