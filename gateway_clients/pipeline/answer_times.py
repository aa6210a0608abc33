"""The median duration of each upstream's answers within the last minute, as this process has seen them."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from gateway_clients.instrumentation.rates import GROWTH, RateBook, quantile_ms, rate_book
from gateway_clients.runtime.singletons import process_singleton

#: With fewer calls there is no median.
FEWEST_CALLS: Final = 5
#: Seconds after which the medians are computed again.
FRESH_SECONDS: Final = 1.0


class AnswerTimes:
    """The medians of one process. `clock` in seconds."""

    def __init__(self, book: RateBook, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._book = book
        self._clock = clock
        self._made_at = float("-inf")
        self._medians: Mapping[str, float] = {}

    def median_seconds(self, service: str) -> float | None:
        """Returns the median in seconds, rounded down to its class; None after fewer than `FEWEST_CALLS` calls."""
        now = self._clock()
        if now - self._made_at >= FRESH_SECONDS:
            self._made_at, self._medians = now, self._measured()
        return self._medians.get(service)

    def _measured(self) -> Mapping[str, float]:
        rates = self._book.rates().services
        known = {name: quantile_ms(each, 0.5) for name, each in rates.items() if each.calls >= FEWEST_CALLS}
        return {name: found / GROWTH / 1000 for name, found in known.items() if found is not None}


@process_singleton
def answer_times() -> AnswerTimes:
    """Returns the AnswerTimes of this process."""
    return AnswerTimes(rate_book())
