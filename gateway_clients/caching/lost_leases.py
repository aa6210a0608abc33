"""Leases that a Redis which froze may have given to callers who are gone: it does what it was asked when it thaws."""

from collections import deque
from collections.abc import Iterable
from typing import Final

from redis import Redis

from gateway_clients.caching.lua import RELEASE

#: The most leases of unanswered lookups that are remembered for release; the others expire.
MOST_LOST_LEASES: Final = 10_000


class LostLeases:
    """The leases of lookups that got no answer, by name and token, until Redis is back."""

    def __init__(self) -> None:
        self._leases: deque[tuple[str, str]] = deque(maxlen=MOST_LOST_LEASES)

    def add(self, leases: Iterable[tuple[str, str]]) -> None:
        """Remembers leases for release."""
        self._leases.extend(leases)

    def release(self, redis: Redis) -> None:
        """Gives the leases back. Raises RedisError, and remembers them on."""
        lost = list(self._leases)
        if lost:
            redis.eval(RELEASE.source, len(lost), *(name for name, _ in lost), *(token for _, token in lost))
            for _ in lost:
                self._leases.popleft()
