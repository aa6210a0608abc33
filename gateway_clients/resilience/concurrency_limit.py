"""Adapts how many calls one upstream gets at a time: as many as it answers as fast as usual.

The rule is that of Netflix's concurrency-limits (Gradient2) and of Envoy's adaptive concurrency: when answers take
longer than in the long run, further calls would only queue at the upstream, so the limit falls; while answers come as
usual it rises, up to what is allowed. A call without an answer cuts it by a fifth at once.
"""

import math
import statistics
import time
from typing import Final

from gateway_clients.resilience.deadline import Clock

#: The limit never falls below this share of what is allowed, so that a slow upstream's recovery is noticed.
LEAST_SHARE: Final = 0.25
#: The limit falls once answers take this many times their long-run mean.
TOLERANCE: Final = 2.0
#: The shortest window in seconds: shorter ones show chance.
WINDOW_SECONDS: Final = 0.5
WINDOW_ANSWERS: Final = 20
#: The weight of a window in the long-run mean.
WEIGHT: Final = 0.05
#: The largest share of the limit that a window takes away, and the share that a call without an answer takes.
LARGEST_CUT: Final = 0.5
CUT: Final = 0.8


class ConcurrencyLimit:
    """A limit between a quarter of `most` and `most`, where it begins. Not thread-safe: its owner locks. In seconds."""

    __slots__ = ("_clock", "_least", "_long_seconds", "_most", "_value", "_window", "_window_at")

    def __init__(self, most: int, *, clock: Clock = time.monotonic) -> None:
        self._most = most
        self._least = max(1, int(most * LEAST_SHARE))
        self._clock = clock
        self._value = float(most)
        self._long_seconds: float | None = None
        self._window: list[float] = []
        self._window_at = clock()

    @property
    def value(self) -> int:
        """The present limit in calls."""
        return int(self._value)

    def answered(self, seconds: float) -> None:
        """Counts an answer that took `seconds`."""
        self._window.append(seconds)
        if len(self._window) >= WINDOW_ANSWERS and self._clock() - self._window_at >= WINDOW_SECONDS:
            self._move(statistics.median(self._window))
            self._window, self._window_at = [], self._clock()

    def timed_out(self) -> None:
        """Counts a call that had no answer in time."""
        self._value = max(float(self._least), self._value * CUT)

    def _move(self, seconds: float) -> None:
        if self._long_seconds is None:
            self._long_seconds = seconds
        if seconds < self._long_seconds:
            # A window that is faster shows what the upstream can do; a slower one may pass.
            self._long_seconds += (seconds - self._long_seconds) / 2
        else:
            self._long_seconds += WEIGHT * (seconds - self._long_seconds)
        gradient = min(1.0, max(LARGEST_CUT, TOLERANCE * self._long_seconds / max(seconds, 1e-6)))
        moved = self._value * gradient + math.sqrt(self._value)
        self._value = min(float(self._most), max(float(self._least), moved))
