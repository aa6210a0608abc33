"""Bounds the retries to one upstream: a budget that first tries fill, and a random wait before each retry."""

import random
import threading
from collections.abc import Callable
from typing import Final

#: Full jitter (AWS architecture blog, "Exponential backoff and jitter"): a wait between nothing and this.
LONGEST_WAIT_SECONDS: Final = 0.1
#: Retries that may be saved up; more would hit an upstream that has just gone down.
MOST_SAVED: Final = 1.0


class RetryBudget:
    """A token bucket: each first try adds `share` of a token, each retry takes a whole one.

    `has_reserve`: the budget begins as if ten calls had gone well, so that a fresh process retries its first call too.
    What it then spends it has to save up again, so that `n` calls cost at most `1.1 n + 0.9` at a share of 0.1.
    """

    def __init__(self, share: float, *, has_reserve: bool = False, chance: Callable[[], float] = random.random) -> None:
        self._share = share
        self._chance = chance
        self._lock = threading.Lock()
        self._saved = MOST_SAVED - share if has_reserve and share > 0.0 else 0.0

    def add_call(self) -> None:
        """Counts a first try."""
        with self._lock:
            self._saved = min(self._saved + self._share, MOST_SAVED)

    def try_take(self) -> bool:
        """Takes a token; returns whether a retry is allowed."""
        with self._lock:
            # A sum of ten shares of 0.1 is a little less than 1.
            if self._saved < 1 - 1e-9:
                return False
            self._saved -= 1
            return True

    def wait_seconds(self) -> float:
        """Returns the wait before a retry in seconds, at random."""
        return self._chance() * LONGEST_WAIT_SECONDS
