"""How long the sandbox takes before it answers."""

from dataclasses import dataclass
from random import Random
from typing import Final, Self


@dataclass(frozen=True, slots=True)
class Latency:
    """An even spread between two times, in milliseconds."""

    low_ms: float = 0
    high_ms: float = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `20-120`, or one number. Raises ValueError for anything else."""
        low, _, high = text.partition("-")
        latency = cls(float(low), float(high or low))
        if not 0 <= latency.low_ms <= latency.high_ms < float("inf"):
            raise ValueError(text)
        return latency

    def seconds(self, rng: Random) -> float:
        """One latency, in seconds."""
        return rng.uniform(self.low_ms, self.high_ms) / 1000


NO_LATENCY: Final = Latency()
DEMO_LATENCY: Final = Latency(20, 120)
