"""The null twin of the cache: as if Redis were down, nothing is found and nothing is kept."""

from collections.abc import Callable, Sequence

from gateway_clients.caching.keys import CacheKey
from gateway_clients.caching.lookups import CacheLookup, CacheWrite, LookupResult, LookupStatus
from gateway_clients.caching.store import Cache
from gateway_clients.redis_access.script import PiggybackCommand


class NoCache(Cache):
    """Asks nobody."""

    def __init__(self) -> None:
        """Needs nothing."""

    @property
    def is_down(self) -> bool:
        """Always."""
        return True

    def read(self, lookups: Sequence[CacheLookup], piggyback: PiggybackCommand | None = None) -> list[LookupResult]:
        """Nothing is found, and nobody goes along."""
        return [LookupResult(key=lookup.key, status=LookupStatus.DOWN) for lookup in lookups]

    def store(
        self, writes: Sequence[CacheWrite], *, fire_and_forget_if: Callable[[], bool] = lambda: False
    ) -> list[bool | None]:
        """Nothing is kept."""
        return [None for _ in writes]

    def release(self, results: Sequence[LookupResult]) -> None:
        """Nothing is held."""

    def delete(self, key: CacheKey | str) -> bool:
        """Nothing is there."""
        return False
