"""The threads of a server process, shared out to kinds of requests, so that none of them is left without."""

import threading
import time
from enum import StrEnum
from typing import Final

from gateway_clients.errors import GatewayOverloadedError
from gateway_clients.resilience.deadline import Clock

#: No kind has more than this share of the threads, so that there are some for the other.
LARGEST_SHARE: Final = 0.75
#: This share of the threads is left to probes, and to refusing what comes beyond the places.
FREE_SHARE: Final = 0.125
#: Reads that have held every place of theirs for so long are stuck.
STUCK_SECONDS: Final = 0.5


class Kind(StrEnum):
    """What a request may wait for: a read upstreams; a write, a sign-in or a page of staff's the database as well."""

    READ = "read"
    RESERVED = "reserved"
    PROBE = "probe"


class ThreadPlaces:
    """So many requests of each kind at a time, and so many together; the rest are shed at once.

    Of 32 threads reads have 24 at most, what is reserved 24, both together 28: four at least are reserved. Probes have
    half of what is left, so that one of those that touch nothing finds a thread, as does the refusal of a request.
    """

    def __init__(self, threads: int, *, clock: Clock = time.monotonic) -> None:
        share = max(1, int(threads * LARGEST_SHARE))
        free = int(threads * FREE_SHARE)
        self._most_together = max(1, threads - free)
        self._most = {Kind.READ: share, Kind.RESERVED: share, Kind.PROBE: max(1, free // 2)}
        self._lock = threading.Lock()
        self._taken = dict.fromkeys(Kind, 0)
        self._clock = clock
        self._moved_at = clock()

    def taken(self, kind: Kind) -> int:
        """How many requests of a kind there are."""
        return self._taken[kind]

    def enter(self, kind: Kind) -> None:
        """Takes a place. Whoever got it calls `leave`. Raises GatewayOverloadedError when there is none."""
        with self._lock:
            taken = self._taken
            if taken[kind] >= self._most[kind] or (
                kind is not Kind.PROBE and taken[Kind.READ] + taken[Kind.RESERVED] >= self._most_together
            ):
                raise GatewayOverloadedError
            taken[kind] += 1
            if kind is Kind.READ:
                self._moved_at = self._clock()

    def leave(self, kind: Kind) -> None:
        """Gives the place back."""
        with self._lock:
            self._taken[kind] -= 1
            if kind is Kind.READ:
                self._moved_at = self._clock()

    @property
    def are_reads_moving(self) -> bool:
        """Whether a read has lately come or gone. Else those that have the places are stuck."""
        return self._clock() - self._moved_at < STUCK_SECONDS
