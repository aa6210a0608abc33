"""Trips and pauses as news: those of this process until Redis has them, those of others when they are first seen."""

import threading
from typing import Final, NamedTuple

from gateway_clients.resilience.breaker_store import Snapshot

NOTHING: Final = Snapshot(trips={}, pauses={}, revisions={}, was_told=True)


class Unpublished(NamedTuple):
    """Upstreams whose breakers tripped here, and until when (seconds since the Unix epoch) upstreams asked to pause."""

    trips: set[str]
    pauses: dict[str, float]


class OwnNews:
    """What this process has to publish. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trips: set[str] = set()
        self._pauses: dict[str, float] = {}

    def add_trip(self, service: str) -> None:
        """Adds that a breaker tripped."""
        with self._lock:
            self._trips.add(service)

    def add_pause(self, service: str, until: float) -> None:
        """Adds that an upstream asked for a pause; of several the longest counts."""
        with self._lock:
            self._pauses[service] = max(self._pauses.get(service, 0.0), until)

    def take(self) -> Unpublished:
        """Returns what is not published, once; what Redis does not take is to be kept with `keep`."""
        with self._lock:
            trips, self._trips = self._trips, set()
            pauses, self._pauses = self._pauses, {}
        return Unpublished(trips, pauses)

    def keep(self, unpublished: Unpublished) -> None:
        """Keeps news for the next time."""
        trips, pauses = unpublished
        with self._lock:
            self._trips |= trips
            self._pauses = {
                service: max(pauses.get(service, 0.0), self._pauses.get(service, 0.0))
                for service in {*pauses, *self._pauses}
            }


class News(NamedTuple):
    """Upstreams whose breakers tripped elsewhere, pauses by upstream in seconds, whether staff's rows have changed."""

    trips: list[str]
    pauses: dict[str, float]
    has_rulings: bool


class OthersNews:
    """What other processes have published since this one looked last. Trips from before it looked are no news."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._seen = NOTHING

    def take(self, snapshot: Snapshot) -> News:
        """Returns, once, what in this snapshot is new."""
        seen, self._seen = self._seen, snapshot
        trips = [
            service
            for service, trip in snapshot.trips.items()
            if seen is not NOTHING and seen.trips.get(service) != trip and not self._is_own(trip)
        ]
        pauses = {
            service: pause.seconds_left
            for service, pause in snapshot.pauses.items()
            if not (self._is_own(pause.id) or (service in seen.pauses and seen.pauses[service].id == pause.id))
        }
        return News(trips, pauses, has_rulings=snapshot.revisions != seen.revisions)

    def _is_own(self, identity: str) -> bool:
        return identity.startswith(f"{self._process}/")
