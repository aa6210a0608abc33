"""Identical reads of one process at the same time share one: its leader does the work, the others wait for it."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from gateway_clients.crew import crew
from gateway_clients.resilience.deadline import Deadline

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Flight(Generic[T]):
    """One read under way. `tags` are those whose invalidation voids it: whoever asks after that starts another."""

    name: str
    tags: tuple[str, ...]
    is_landed: bool = False
    landed_at: float = 0.0
    is_voided: bool = False
    result: T | None = None
    error: BaseException | None = None
    #: The last good answer, once known, for those who cannot wait for the end.
    stale: T | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _landing: threading.Event | None = None

    def land(self, result: T | None = None, error: BaseException | None = None) -> None:
        """Hands the result, or the error, to all who wait."""
        with self._lock:
            if self.is_landed:
                return
            self.result, self.error, self.is_landed = result, error, True
            self.landed_at = time.monotonic()
            landing = self._landing
        if landing is not None:
            landing.set()

    def wait(self, deadline: Deadline) -> bool:
        """Waits until it has landed or the deadline has passed; whether it has landed."""
        with self._lock:
            if self.is_landed:
                return True
            if self._landing is None:
                self._landing = threading.Event()
            landing = self._landing
        with crew().away():
            return landing.wait(deadline.remaining_seconds)


class Flights:
    """The reads under way in this process, by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, Flight[Any]] = {}

    def board(self, wanted: Sequence[tuple[str, tuple[str, ...]]]) -> list[tuple[Flight[Any], bool]]:
        """For each (name, tags) the flight under way, or a new one; and whether the caller leads it."""
        with self._lock:
            boarded = []
            for name, tags in wanted:
                flight = self._under_way.get(name)
                is_leader = flight is None
                if flight is None:
                    flight = self._under_way[name] = Flight(name, tags)
                boarded.append((flight, is_leader))
            return boarded

    def land(self, flight: Flight[T], result: T | None = None, error: BaseException | None = None) -> None:
        """Ends a flight: whoever asks from now on starts another."""
        self._forget(flight)
        flight.land(result, error)

    def _forget(self, flight: Flight[Any]) -> None:
        with self._lock:
            if self._under_way.get(flight.name) is flight:
                del self._under_way[flight.name]

    def void(self, tags: frozenset[str]) -> None:
        """Marks the flights with one of the tags, or all of them; who asks from now on does not join them."""
        with self._lock:
            voided = [flight for flight in self._under_way.values() if not tags or not tags.isdisjoint(flight.tags)]
            for flight in voided:
                flight.is_voided = True
                del self._under_way[flight.name]

    def under_way(self, matches: Callable[[str], bool] = lambda _: True) -> int:
        """How many reads are under way."""
        with self._lock:
            return sum(map(matches, self._under_way))
