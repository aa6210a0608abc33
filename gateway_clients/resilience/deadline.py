"""Deadlines on a monotonic clock."""

import time
from collections.abc import Callable
from typing import Self

import msgspec

Clock = Callable[[], float]


class Deadline(msgspec.Struct, frozen=True):
    """A moment on a monotonic clock, in seconds. Values, never extended: a shorter one is a new one."""

    at: float
    clock: Clock = time.monotonic

    @classmethod
    def after(cls, seconds: float, *, clock: Clock = time.monotonic) -> Self:
        """Returns the deadline `seconds` from now."""
        return cls(clock() + seconds, clock)

    @property
    def remaining_seconds(self) -> float:
        """Seconds left; 0.0 once it has passed."""
        left = self.at - self.clock()
        return left if left > 0.0 else 0.0

    @property
    def has_passed(self) -> bool:
        """Whether no time is left."""
        return self.clock() >= self.at

    def sooner(self, seconds: float) -> Self:
        """Returns the sooner of this deadline and the one `seconds` from now."""
        at = self.clock() + seconds
        return self if self.at <= at else type(self)(at, self.clock)

    def earlier_by(self, seconds: float) -> Self:
        """Returns this deadline less a reserve of `seconds`."""
        return type(self)(self.at - seconds, self.clock)
