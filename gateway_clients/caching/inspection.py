"""What is kept, for staff: names, ages and sizes of entries, never their values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from redis import Redis

from gateway_clients.caching.invalidation import BATCH, names_like
from gateway_clients.redis_access.circuit import RedisCircuit

#: Entries shown, and steps of SCAN, at most: a pattern that matches nothing would else read all that Redis holds.
MOST_SHOWN: Final = 200
MOST_STEPS: Final = 400
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The entries found, by key; `is_cut`: there may be more."""

    entries: Sequence[KeptEntry]
    is_cut: bool


def entries_matching(circuit: RedisCircuit, pattern: str, *, most: int = MOST_SHOWN) -> Listing:
    """The entries whose key matches, `most` of them; `*`, `?` and `[…]` as SCAN has them. Raises CacheDownError."""

    def look_up(redis: Redis) -> Listing:
        names, is_whole = _names(redis, names_like("e", pattern), most)
        return Listing(entries=_described(redis, names[:most]), is_cut=not is_whole or len(names) > most)

    return circuit.run(look_up)


def _names(redis: Redis, wanted: str, most: int) -> tuple[list[bytes], bool]:
    """Names that match, sorted, and whether everything was looked at."""
    found: set[Any] = set()
    cursor = 0
    for _ in range(MOST_STEPS):
        cursor, names = redis.scan(cursor, match=wanted, count=BATCH)
        found.update(names)
        if cursor == 0 or len(found) > most:
            break
    return sorted(found), cursor == 0


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
    """None: it has gone meanwhile, or is not ours."""
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
