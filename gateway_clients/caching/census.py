"""Counts the cached entries of each data class, and estimates their size from a sample."""

import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from redis import Redis

from gateway_clients.caching.inspection import MOST_STEPS
from gateway_clients.caching.purge import BATCH, names_like
from gateway_clients.redis_access.circuit import RedisCircuit
from gateway_clients.runtime.singletons import process_singleton

#: Entries of each class that are weighed.
SAMPLE: Final = 200
#: Seconds for which a census is used again.
FRESH_SECONDS: Final = 30.0


class ClassCount(msgspec.Struct, frozen=True, kw_only=True):
    """One data class: the number of its entries, and about how many bytes their values take."""

    data_class: str
    entries: int
    size_bytes: int


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """The classes, the largest first. `is_whole`: all keys of Redis were counted. `used_bytes`: the memory of Redis."""

    classes: tuple[ClassCount, ...]
    is_whole: bool
    used_bytes: int
    most_bytes: int


class CensusTaker:
    """Takes a census when the last is older than `FRESH_SECONDS`. Raises CacheDownError."""

    def __init__(self) -> None:
        self._last: Census | None = None
        self._taken_at = float("-inf")

    def census(self, circuit: RedisCircuit) -> Census:
        """Returns a census that is at most half a minute old."""
        if self._last is None or time.monotonic() - self._taken_at > FRESH_SECONDS:
            self._last = circuit.run(_taken)
            self._taken_at = time.monotonic()
        return self._last


@process_singleton
def census_taker() -> CensusTaker:
    """Returns the CensusTaker of this process."""
    return CensusTaker()


def _taken(redis: Redis) -> Census:
    wanted = names_like("e", "*")
    prefix = names_like("e", "")
    counts: dict[str, int] = {}
    samples: dict[str, list[bytes]] = {}
    cursor = 0
    for _ in range(MOST_STEPS):
        step: Any = redis.scan(cursor, match=wanted, count=BATCH)
        cursor, names = step
        for name in names:
            kind = name.decode(errors="replace").removeprefix(prefix).partition(":")[0]
            counts[kind] = counts.get(kind, 0) + 1
            if len(sample := samples.setdefault(kind, [])) < SAMPLE:
                sample.append(name)
        if cursor == 0:
            break
    classes = [
        ClassCount(data_class=kind, entries=counts[kind], size_bytes=int(counts[kind] * _mean_bytes(redis, sample)))
        for kind, sample in samples.items()
    ]
    memory: Any = redis.info("memory")
    return Census(
        classes=tuple(sorted(classes, key=lambda each: -each.size_bytes)),
        is_whole=cursor == 0,
        used_bytes=int(memory.get("used_memory", 0)),
        most_bytes=int(memory.get("maxmemory", 0)),
    )


def _mean_bytes(redis: Redis, names: Sequence[bytes]) -> float:
    pipeline = redis.pipeline(transaction=False)
    for name in names:
        pipeline.strlen(name)
    sizes = [size for size in pipeline.execute(raise_on_error=False) if isinstance(size, int)]
    return sum(sizes) / len(sizes) if sizes else 0.0
