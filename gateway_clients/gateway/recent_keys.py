"""Remembers which views Redis most likely holds: those are looked up before their calls are built.

The others are looked for together with their calls, so that a cold view costs one lookup.

Measured (`tests.bench.pairs`, 2026-11-29): looking every view up together with its calls takes
1.248 ± 0.014 times as much processor time for a kept dashboard (warm-rest), and 1.012 ± 0.016
times for one that is asked for (cold-rest).
"""

from typing import Final

from gateway_clients.runtime.singletons import process_singleton

#: Keys of views that are remembered, at least.
MOST_SEEN: Final = 10_000


class RecentKeys:
    """The names that were added last, in two halves of which the older is dropped as a whole."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._newer: set[str] = set()
        self._older: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._newer or name in self._older

    def add(self, name: str) -> None:
        """Remembers the name as added last."""
        if len(self._newer) >= self._most:
            self._newer, self._older = set(), self._newer
        self._newer.add(name)

    def discard(self, name: str) -> None:
        """Removes the name, if it is there."""
        self._newer.discard(name)
        self._older.discard(name)


@process_singleton
def kept_views() -> RecentKeys:
    """Returns the keys under which this process last saw a view cached; a wrong guess costs one round trip."""
    return RecentKeys(MOST_SEEN)
