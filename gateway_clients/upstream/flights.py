"""Identical reads of one process at the same time share one: its leader does the work, the others wait for it."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from gateway_clients.crew import crew
from gateway_clients.resilience.deadline import Deadline

T = TypeVar("T")


class Flight(Generic[T]):
    """One read under way. `tags` are those whose invalidation voids it: whoever asks after that starts another.

    Another process's invalidation does not: who follows it looks at when its result was true. `stale` is the last good
    answer, once known, for those who cannot wait for the end.
    """

    __slots__ = (
        "_landing",
        "_lock",
        "error",
        "followers",
        "is_landed",
        "is_voided",
        "landed_at",
        "name",
        "result",
        "stale",
        "tags",
    )

    def __init__(self, name: str, tags: tuple[str, ...], lock: threading.Lock) -> None:
        self.name = name
        self.tags = tags
        self.followers = 0
        self.is_landed = self.is_voided = False
        self.landed_at = 0.0
        self.result: T | None = None
        self.error: BaseException | None = None
        self.stale: T | None = None
        self._lock = lock
        self._landing: threading.Event | None = None

    def land(self, result: T | None, error: BaseException | None) -> threading.Event | None:
        """Holds the result, or the error, for all who wait; they wait for the event. Under the lock."""
        if self.is_landed:
            return None
        self.result, self.error, self.is_landed = result, error, True
        self.landed_at = time.monotonic()
        return self._landing

    def wait(self, deadline: Deadline) -> bool:
        """Waits until it has landed or the deadline has passed; whether it has landed."""
        if self.is_landed:
            return True
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
        boarded = []
        with self._lock:
            for name, tags in wanted:
                flight = self._under_way.get(name)
                if flight is None:
                    flight = self._under_way[name] = Flight(name, tags, self._lock)
                    boarded.append((flight, True))
                else:
                    flight.followers += 1
                    boarded.append((flight, False))
        return boarded

    def land(self, flight: Flight[T], result: T | None = None, error: BaseException | None = None) -> None:
        """Ends a flight: whoever asks from now on starts another."""
        with self._lock:
            if self._under_way.get(flight.name) is flight:
                del self._under_way[flight.name]
            landing = flight.land(result, error)
        if landing is not None:
            landing.set()

    def leave(self, flight: Flight[Any]) -> bool:
        """Whether nobody follows it; nobody does from now on then, and who asks starts another."""
        with self._lock:
            if flight.followers:
                return False
            if self._under_way.get(flight.name) is flight:
                del self._under_way[flight.name]
            return True

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
