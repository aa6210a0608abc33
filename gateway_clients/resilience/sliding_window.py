"""Counts the calls of the last seconds."""

from dataclasses import dataclass
from typing import Final

BUCKETS: Final = 10
#: A bucket number that no time has.
NONE: Final = -1


@dataclass(slots=True)
class _Bucket:
    number: int = NONE
    calls: int = 0
    bad: int = 0


class SlidingWindow:
    """Calls and bad ones (failed, slow) of the last seconds, in ten buckets. Not thread-safe: its owner locks."""

    def __init__(self, seconds: float) -> None:
        self._bucket_seconds = seconds / BUCKETS
        self._buckets = [_Bucket() for _ in range(BUCKETS)]
        self._summed_number = NONE
        self._calls = self._bad = 0

    def add(self, now: float, *, is_bad: bool) -> None:
        """Counts a call that ended at `now`, in seconds."""
        number = int(now / self._bucket_seconds)
        bucket = self._buckets[number % BUCKETS]
        if bucket.number != number:
            bucket.number, bucket.calls, bucket.bad = number, 0, 0
        bucket.calls += 1
        bucket.bad += is_bad
        if number == self._summed_number:
            self._calls += 1
            self._bad += is_bad
        else:
            self._summed_number = NONE

    def totals(self, now: float) -> tuple[int, int]:
        """Returns the number of calls in the window, and how many of them were bad."""
        number = int(now / self._bucket_seconds)
        if number != self._summed_number:
            live = [bucket for bucket in self._buckets if bucket.number > number - BUCKETS]
            self._calls, self._bad = sum(bucket.calls for bucket in live), sum(bucket.bad for bucket in live)
            self._summed_number = number
        return self._calls, self._bad

    def clear(self) -> None:
        """Counts from zero."""
        self._summed_number = NONE
        for bucket in self._buckets:
            bucket.number = NONE
            bucket.calls = bucket.bad = 0
