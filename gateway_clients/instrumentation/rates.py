"""How the calls of the last minute went, and how often the cache had what was asked for; of this process."""

import math
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from typing import Final

import msgspec

from gateway_clients.instrumentation.hooks import CallRecord, Record
from gateway_clients.runtime.singletons import process_singleton

WINDOW_SECONDS: Final = 60.0
SLICES: Final = 6
SLICE_SECONDS: Final = WINDOW_SECONDS / SLICES
#: Durations are counted in classes, each so much longer than the one before, from 1 ms on; the last has no end.
GROWTH: Final = 1.25
CLASSES: Final = 48
#: The longest of each class but the last, in seconds; a little longer than to the digit, so that it is in its own.
LONGEST: Final = tuple(GROWTH ** (number + 1e-9) / 1000 for number in range(CLASSES - 1))
#: How a call ends that nobody made: its bulkhead was full, more wanted places than there were, or its time was over.
NOT_MADE: Final = frozenset({"upstream_busy", "overloaded", "deadline_exceeded"})
#: How a call ends that its upstream has answered.
ANSWERED: Final = frozenset({"ok", "not_found", "conflict"})


class CallRates(msgspec.Struct, frozen=True):
    """The calls of one upstream in the window: how many, how many failed, how many of each class of durations."""

    calls: int = 0
    errors: int = 0
    durations: tuple[int, ...] = ()


class Rates(msgspec.Struct, frozen=True):
    """What one process, or several together, did in the window. A hit is a fresh entry, a miss has to be asked for."""

    services: dict[str, CallRates] = {}
    hits: int = 0
    misses: int = 0


class RateBook:
    """Counts in slices of the window; the oldest is forgotten as a new one begins."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._slices: dict[int, _Slice] = {}

    def hear(self, record: Record) -> None:
        """Takes the end of a call."""
        if not isinstance(record, CallRecord) or record.outcome in NOT_MADE:
            return
        with self._lock:
            services = self._slice().services
            counts = services.get(record.service)
            if counts is None:
                counts = services[record.service] = [0] * (CLASSES + 2)
            counts[0] += 1
            counts[1] += record.outcome not in ANSWERED
            counts[2 + bisect_left(LONGEST, record.seconds)] += 1

    def count_looks(self, *, hits: int, misses: int) -> None:
        """Looks into the cache."""
        with self._lock:
            now = self._slice()
            now.hits += hits
            now.misses += misses

    def rates(self) -> Rates:
        """Returns the rates of the window."""
        with self._lock:
            self._slice()
            kept = list(self._slices.values())
            return together([each.rates() for each in kept])

    def _slice(self) -> "_Slice":
        number = int(self._clock() / SLICE_SECONDS)
        if number not in self._slices:
            self._slices = {old: kept for old, kept in self._slices.items() if old > number - SLICES}
            self._slices[number] = _Slice()
        return self._slices[number]


class _Slice:
    def __init__(self) -> None:
        self.services: dict[str, list[int]] = {}
        self.hits = 0
        self.misses = 0

    def rates(self) -> Rates:
        calls = {name: CallRates(counts[0], counts[1], tuple(counts[2:])) for name, counts in self.services.items()}
        return Rates(calls, self.hits, self.misses)


def together(several: Iterable[Rates]) -> Rates:
    """The sum of several."""
    parts = list(several)
    names = dict.fromkeys(name for part in parts for name in part.services)
    return Rates(
        {name: _sum([part.services[name] for part in parts if name in part.services]) for name in names},
        sum(part.hits for part in parts),
        sum(part.misses for part in parts),
    )


def quantile_ms(rates: CallRates, share: float) -> float | None:
    """The duration that this share of the calls did not exceed: milliseconds, to a quarter; None without calls."""
    wanted = math.ceil(share * rates.calls)
    seen = 0
    for number, count in enumerate(rates.durations):
        seen += count
        if wanted and seen >= wanted:
            return round(GROWTH**number, 1)
    return None


def _sum(several: Sequence[CallRates]) -> CallRates:
    """The sum of what several processes say, of which another version may count more classes, or fewer."""
    return CallRates(
        sum(each.calls for each in several),
        sum(each.errors for each in several),
        tuple(map(sum, zip_longest(*(each.durations[:CLASSES] for each in several), fillvalue=0))),
    )


@process_singleton
def rate_book() -> RateBook:
    """That of this process."""
    return RateBook()


def hear(record: Record) -> None:
    """The hook of this process's book."""
    rate_book().hear(record)
