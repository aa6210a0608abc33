"""The null twin of the cache: as if Redis were down, nothing is found and nothing is kept."""

from collections.abc import Sequence

from gateway_clients.caching.keys import CacheKey
from gateway_clients.caching.lookups import LookupResult, LookupStatus
from gateway_clients.caching.round_trip import RedisRoundTrip
from gateway_clients.caching.store import Cache


class NoCache(Cache):
    """Asks nobody."""

    def __init__(self) -> None:
        """Needs nothing."""

    @property
    def is_down(self) -> bool:
        """Always."""
        return True

    def send(self, trip: RedisRoundTrip) -> None:
        """Nothing is found, counted or kept."""
        trip.results = [LookupResult(key=lookup.key, status=LookupStatus.DOWN) for lookup in trip.lookups]
        trip.are_valid = [None for _ in trip.writes]

    def release(self, results: Sequence[LookupResult]) -> None:
        """Nothing is held."""

    def delete(self, key: CacheKey | str) -> bool:
        """Nothing is there."""
        return False
