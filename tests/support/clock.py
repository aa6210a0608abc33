"""A clock that a test turns."""

from dataclasses import dataclass


@dataclass(slots=True)
class FakeClock:
    """Stands still until a test advances it. Seconds."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def monotonic(self) -> float:
        """As the module `time` says it."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Moves it on."""
        self.now += seconds
