"""Estimates how fast one upstream answers, and tells when its calls in flight are overdue."""

import time
from typing import Final

from gateway_clients.resilience.deadline import Clock

#: Seconds after which an answer's duration says nothing of the present any more.
LATELY_SECONDS: Final = 60.0
#: Calls that nobody has had an answer to for so many times the usual are overdue, but not sooner than after so long:
#: a process that has just been busy itself hears of answers late.
OVERDUE_TIMES: Final = 4.0
OVERDUE_LEAST_SECONDS: Final = 0.4
#: After this many calls in a row without an answer an upstream counts as hanging.
HANGING_AFTER: Final = 3
#: The weight of the last call in the mean.
WEIGHT: Final = 0.1


class Pace:
    """The mean duration of one upstream's calls, in seconds. Not thread-safe: its owner locks."""

    __slots__ = (
        "_answered_at",
        "_busy_since",
        "_clock",
        "_mean_seconds",
        "_timeout_seconds",
        "_usual_seconds",
        "_vain",
    )

    def __init__(self, timeout_seconds: float, *, clock: Clock = time.monotonic) -> None:
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._usual_seconds = self._mean_seconds = timeout_seconds
        self._answered_at = self._busy_since = float("-inf")
        self._vain = 0

    @property
    def is_known(self) -> bool:
        """Whether the upstream answered within `LATELY_SECONDS`."""
        return self._clock() - self._answered_at < LATELY_SECONDS

    @property
    def seconds(self) -> float:
        """The mean duration of a call, answered or not; the upstream's timeout while it is unknown."""
        return self._mean_seconds if self.is_known else self._timeout_seconds

    @property
    def overdue_seconds(self) -> float:
        """Seconds without any answer after which the calls in flight are overdue."""
        if not self.is_known:
            return self._timeout_seconds
        return min(self._timeout_seconds, max(OVERDUE_TIMES * self._usual_seconds, OVERDUE_LEAST_SECONDS))

    @property
    def silent_seconds(self) -> float:
        """Seconds for which calls have been in flight without any answer."""
        return self._clock() - max(self._answered_at, self._busy_since)

    @property
    def is_hanging(self) -> bool:
        """Whether the last calls ended without an answer."""
        return self._vain >= HANGING_AFTER

    def began(self) -> None:
        """Notes that a call began while no other was in flight."""
        self._busy_since = self._clock()

    def answered(self, seconds: float) -> None:
        """Counts an answer, of whatever status, that took `seconds`."""
        if self.is_known:
            self._usual_seconds += WEIGHT * (seconds - self._usual_seconds)
            self._mean_seconds += WEIGHT * (seconds - self._mean_seconds)
        else:
            self._usual_seconds = self._mean_seconds = seconds
        self._answered_at = self._clock()
        self._vain = 0

    def timed_out(self, seconds: float) -> bool:
        """Counts a call without an answer; returns whether `seconds` is longer than an answer should take.

        A shorter wait, of a caller that had little time, counts for nothing.
        """
        if seconds < self.overdue_seconds:
            return False
        self._vain += 1
        self._mean_seconds += WEIGHT * (seconds - self._mean_seconds)
        return True
