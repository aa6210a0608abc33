"""Decides which requests are explained: those that went wrong, and a sample of the rest, at a bounded rate.

In an outage everything is partial: each kind of trouble of each route has a token bucket of its own, so that the rare
one is found among the many, and all requests of a process share one more bucket.
"""

import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final

#: Requests that take longer are slow, in seconds.
SLOW_SECONDS: Final = 1.0
#: Of each kind, route and code: so many at once, and so many in a second from then on.
BURST: Final = 5.0
PER_SECOND: Final = 0.2
#: Of a process: the same for all together.
PROCESS_BURST: Final = 40.0
PROCESS_PER_SECOND: Final = 4.0
#: Of requests of which there is nothing to say: one at once, and one in so many seconds of each route.
SAMPLE_PER_SECOND: Final = 0.02
MOST_BUCKETS: Final = 1_000


class Kind(StrEnum):
    """Why a request is explained."""

    FAILED = "failed"
    SHED = "shed"
    PARTIAL = "partial"
    SLOW = "slow"
    SAMPLE = "sample"


class TokenBucket:
    """Allows `burst` at once and `per_second` from then on. Not thread-safe: its owner locks."""

    __slots__ = ("_at", "_burst", "_left", "_per_second")

    def __init__(self, burst: float, per_second: float, now: float) -> None:
        self._burst = self._left = burst
        self._per_second = per_second
        self._at = now

    def take(self, now: float) -> bool:
        """Takes a token; returns whether there was one. `now` in seconds."""
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Sampler:
    """Samples the requests of one process. `clock` in seconds. Thread-safe."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str, str], TokenBucket] = {}
        self._process = TokenBucket(PROCESS_BURST, PROCESS_PER_SECOND, clock())

    def wants(self, kind: Kind, route: str, code: str = "") -> bool:
        """Returns whether a request of this kind is to be explained, and takes the tokens for it."""
        name = (kind, route, code)
        with self._lock:
            now = self._clock()
            bucket = self._buckets.get(name)
            if bucket is None:
                if len(self._buckets) >= MOST_BUCKETS:
                    self._buckets.clear()
                is_sample = kind is Kind.SAMPLE
                bucket = TokenBucket(1.0 if is_sample else BURST, SAMPLE_PER_SECOND if is_sample else PER_SECOND, now)
                self._buckets[name] = bucket
            return bucket.take(now) and self._process.take(now)
