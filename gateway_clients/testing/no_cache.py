"""The null twin of the cache: as if Redis were down, nothing is found and nothing is kept."""

from collections.abc import Callable, Sequence

from gateway_clients.caching.entries import Fill, Found, Look, Reading
from gateway_clients.caching.keys import CacheKey
from gateway_clients.caching.scripts import Rider
from gateway_clients.caching.store import Cache


class NoCache(Cache):
    """Asks nobody."""

    def __init__(self) -> None:
        """Needs nothing."""

    @property
    def is_down(self) -> bool:
        """Always."""
        return True

    def read(self, looks: Sequence[Look], rider: Rider | None = None) -> list[Reading]:
        """Nothing is found, and nobody goes along."""
        return [Reading(key=look.key, found=Found.DOWN) for look in looks]

    def store(self, fills: Sequence[Fill], *, may_leave: Callable[[], bool] = lambda: False) -> list[bool | None]:
        """Nothing is kept."""
        return [None for _ in fills]

    def release(self, readings: Sequence[Reading]) -> None:
        """Nothing is held."""

    def delete(self, key: CacheKey | str) -> bool:
        """Nothing is there."""
        return False
