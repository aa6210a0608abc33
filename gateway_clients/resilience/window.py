"""How the calls of the last seconds went."""

from dataclasses import dataclass
from typing import Final

BUCKETS: Final = 10


@dataclass(slots=True)
class _Bucket:
    number: int = -1
    calls: int = 0
    bad: int = 0


class Window:
    """Calls and bad ones (failed, slow) of the last seconds, in ten buckets. Not thread-safe: its owner locks."""

    def __init__(self, seconds: float) -> None:
        self._bucket_seconds = seconds / BUCKETS
        self._buckets = [_Bucket() for _ in range(BUCKETS)]

    def add(self, now: float, *, is_bad: bool) -> None:
        """Counts one call that ended now."""
        number = int(now / self._bucket_seconds)
        bucket = self._buckets[number % BUCKETS]
        if bucket.number != number:
            bucket.number, bucket.calls, bucket.bad = number, 0, 0
        bucket.calls += 1
        bucket.bad += is_bad

    def totals(self, now: float) -> tuple[int, int]:
        """How many calls, and how many of them bad, within the window."""
        oldest = int(now / self._bucket_seconds) - BUCKETS
        live = [bucket for bucket in self._buckets if bucket.number > oldest]
        return sum(bucket.calls for bucket in live), sum(bucket.bad for bucket in live)

    def clear(self) -> None:
        """Forgets all."""
        for bucket in self._buckets:
            bucket.number = -1
            bucket.calls = bucket.bad = 0
