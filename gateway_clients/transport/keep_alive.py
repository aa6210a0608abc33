"""The rule by which kept connections to an upstream are used again, whichever client keeps them."""

import math
import time
from typing import Final

from gateway_clients.conf import UpstreamConf
from gateway_clients.resilience.deadline import Clock
from gateway_clients.runtime.singletons import process_singleton

#: Seconds: firewalls and load balancers silently drop connections that are idle for longer; most servers close theirs
#: later.
MOST_IDLE_SECONDS: Final = 30.0
#: Seconds within which a change in DNS is followed.
GREATEST_AGE_SECONDS: Final = 300.0


class KeepAlive:
    """Refuses connections that were idle for too long, are too old, or were idle when another was found dead.

    `clock` in seconds.
    """

    __slots__ = ("_distrusted_at", "now")

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self.now: Final = clock
        self._distrusted_at = -math.inf

    def may_reuse(self, made_at: float, idle_since: float) -> bool:
        """Returns whether a connection may carry another request; both times are by `now`."""
        now = self.now()
        is_young = now - made_at < GREATEST_AGE_SECONDS
        return is_young and now - idle_since < MOST_IDLE_SECONDS and idle_since >= self._distrusted_at

    def distrust(self) -> None:
        """Refuses all connections that are idle now, because a kept connection was found dead."""
        self._distrusted_at = self.now()


def keep_alive_of(conf: UpstreamConf) -> KeepAlive:
    """Returns the rule for the kept connections to an upstream."""
    return _keep_alive_to(conf.name, conf.base_url)


@process_singleton
def _keep_alive_to(_name: str, _base_url: str) -> KeepAlive:
    return KeepAlive()
