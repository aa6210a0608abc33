"""Records how an upstream's calls ended: the last one, and those of the last seconds."""

import msgspec

from gateway_clients.conf import UpstreamConf
from gateway_clients.resilience.sliding_window import SlidingWindow


class LastAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a call: its outcome, its time by the breaker's clock, and how many seconds it took."""

    has_failed: bool
    at: float
    seconds: float


class OutcomeRecord:
    """Tells by rate whether an upstream fails or hangs. Not thread-safe: its owner locks."""

    def __init__(self, conf: UpstreamConf) -> None:
        self._conf = conf
        self._window = SlidingWindow(conf.breaker_window_seconds)
        self.last: LastAnswer | None = None

    @property
    def hanging_seconds(self) -> float:
        """Seconds after which a call that has not been answered hangs."""
        return min(self._conf.breaker_slow_seconds, self._conf.timeout_seconds)

    @property
    def is_hanging(self) -> bool:
        """Whether the last call failed after at least the time of a slow call."""
        return self.last is not None and self.last.has_failed and self.last.seconds >= self.hanging_seconds

    def add(self, now: float, seconds: float, *, has_failed: bool) -> None:
        """Counts a call that ended at `now` after `seconds`; a slow call is as bad as a failed one."""
        self._window.add(now, is_bad=has_failed or seconds >= self._conf.breaker_slow_seconds)

    def is_too_bad(self, now: float) -> bool:
        """Whether enough calls were made, and too many of them were bad."""
        calls, bad = self._window.totals(now)
        return calls >= self._conf.breaker_min_calls and bad / calls >= self._conf.breaker_failure_rate

    def clear(self) -> None:
        """Drops the calls of the last seconds."""
        self._window.clear()
