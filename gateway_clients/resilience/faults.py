"""Faults that a game day injects into calls. Nothing sets them in production.

Each process knows the end of a fault, so that a fault also ends where a process hears of nothing more.
"""

import random
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

DELAY: Final = "delay"
ERROR: Final = "error"
HANG: Final = "hang"


class InjectedFault(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to a share of the calls to one upstream until a moment in seconds since the Unix epoch."""

    kind: str
    percent: int
    until: float
    delay_seconds: float = 0.0


class FaultTable:
    """The faults of this process, by upstream."""

    def __init__(self, *, now: Callable[[], float] = time.time, chance: Callable[[], float] = random.random) -> None:
        self._now = now
        self._chance = chance
        self._faults: Mapping[str, InjectedFault] = {}

    def replace(self, faults: Mapping[str, InjectedFault]) -> None:
        """Sets the faults that are injected from now on; earlier ones end."""
        self._faults = dict(faults)

    def hit(self, service: str) -> InjectedFault | None:
        """Returns the fault to inject into one call to this upstream, or None."""
        if not self._faults:
            return None
        fault = self._faults.get(service)
        if fault is None or fault.until <= self._now() or self._chance() * 100 >= fault.percent:
            return None
        return fault


#: The faults of this process.
FAULTS: Final = FaultTable()
