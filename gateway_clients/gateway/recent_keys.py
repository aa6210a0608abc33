"""Which views Redis most likely has: those are looked for before their calls are, the others together with them."""

from typing import Final

from gateway_clients.runtime.singletons import process_singleton

#: Keys of views that are remembered, at least.
MOST_SEEN: Final = 10_000


class RecentKeys:
    """The names that were added last: in two halves, of which the older is forgotten as a whole."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._newer: set[str] = set()
        self._older: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._newer or name in self._older

    def add(self, name: str) -> None:
        """Keeps it."""
        if len(self._newer) >= self._most:
            self._newer, self._older = set(), self._newer
        self._newer.add(name)

    def discard(self, name: str) -> None:
        """Forgets it."""
        self._newer.discard(name)
        self._older.discard(name)


@process_singleton
def kept_views() -> RecentKeys:
    """The keys under which this process has last seen a view kept: a guess; a wrong one costs a round trip."""
    return RecentKeys(MOST_SEEN)
