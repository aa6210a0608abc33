"""Shares the threads of a server process out to kinds of requests, so that none of them is left without."""

import threading
import time
from enum import StrEnum
from typing import Final

from gateway_clients.errors import GatewayOverloadedError
from gateway_clients.resilience.deadline import Clock

#: This share of the threads is left to probes, and to refusing what comes beyond the places; and at most so many.
FREE_SHARE: Final = 0.125
MOST_FREE: Final = 16
#: No kind has more than this share of the threads, so that there are some for the other; of many it may have all but
#: twice as many as are free.
LARGEST_SHARE: Final = 0.75
#: Calls that an upstream gets at a time, however few threads there are.
FEWEST_CALLS: Final = 4
#: Reads that have held every place of theirs for so long are stuck.
STUCK_SECONDS: Final = 0.5


class Kind(StrEnum):
    """What a request may wait for: a read upstreams; a write, a sign-in or a page of staff's the database as well."""

    READ = "read"
    RESERVED = "reserved"
    PROBE = "probe"


def most_reads(threads: int) -> int:
    """How many of a process's threads reads may have: three quarters, and of many all but 32."""
    free = _free_of(threads)
    return threads - 2 * free if free == MOST_FREE else max(1, int(threads * LARGEST_SHARE))


def most_waiting_reads(threads: int) -> int:
    """How many reads may wait for upstreams: one in twelve fewer, so that kept answers find a thread."""
    return max(1, most_reads(threads) * 11 // 12)


def places_of_one_upstream(waiting_reads: int) -> int:
    """How many calls one upstream may have: four that hang leave a third of the reads to the others."""
    return max(FEWEST_CALLS, waiting_reads // 5)


def _free_of(threads: int) -> int:
    return min(int(threads * FREE_SHARE), MOST_FREE)


class ThreadPlaces:
    """So many requests of each kind at a time, and so many together; the rest are shed at once.

    Of 192 threads reads have 160 at most, what is reserved 160, both together 176: 16 at least are reserved. Probes
    have half of what is left, so that one of those that touch nothing finds a thread, as does the refusal of a request.
    """

    def __init__(self, threads: int, *, clock: Clock = time.monotonic) -> None:
        free = _free_of(threads)
        share = most_reads(threads)
        self._most_together = max(1, threads - free)
        self._most = {Kind.READ: share, Kind.RESERVED: share, Kind.PROBE: max(1, free // 2)}
        self._lock = threading.Lock()
        self._taken = dict.fromkeys(Kind, 0)
        self._clock = clock
        self._moved_at = clock()

    def taken(self, kind: Kind) -> int:
        """Returns how many requests of a kind hold a place."""
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
        """Whether a read has entered or left within `STUCK_SECONDS`; else the reads that hold the places are stuck."""
        return self._clock() - self._moved_at < STUCK_SECONDS
