"""How much time is left."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on a monotonic clock, in seconds. Values, never extended: a shorter one is a new one."""

    at: float
    clock: Clock = time.monotonic

    @classmethod
    def after(cls, seconds: float, *, clock: Clock = time.monotonic) -> Self:
        """The deadline that many seconds from now."""
        return cls(clock() + seconds, clock)

    @property
    def remaining_seconds(self) -> float:
        """Seconds left; 0.0 once it has passed."""
        return max(0.0, self.at - self.clock())

    @property
    def has_passed(self) -> bool:
        """Whether no time is left."""
        return self.clock() >= self.at

    def sooner(self, seconds: float) -> Self:
        """The sooner of this deadline and the one that many seconds from now."""
        return type(self)(min(self.at, self.clock() + seconds), self.clock)

    def earlier_by(self, seconds: float) -> Self:
        """This deadline less a reserve."""
        return type(self)(self.at - seconds, self.clock)
