"""Counts of this process since they were last taken, to be added to those of the other processes."""

import threading
from collections.abc import Mapping

from gateway_clients.runtime.singletons import process_singleton


class Tally:
    """Counts by name. The parts of a name are separated by `|`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    def add(self, name: str, by: int = 1) -> None:
        """Adds to a counter."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + by

    def add_all(self, counts: Mapping[str, int]) -> None:
        """Adds to several counters."""
        with self._lock:
            for name, by in counts.items():
                self._counts[name] = self._counts.get(name, 0) + by

    def take(self) -> dict[str, int]:
        """Returns the counters and resets them."""
        with self._lock:
            taken, self._counts = self._counts, {}
        return taken


@process_singleton
def tally() -> Tally:
    """That of this process."""
    return Tally()
