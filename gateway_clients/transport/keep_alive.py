"""Which kept connections to an upstream may be used again, whichever client keeps them."""

import math
import time
from typing import Final

from gateway_clients.conf import UpstreamConf
from gateway_clients.resilience.deadline import Clock
from gateway_clients.runtime.singletons import process_singleton

#: Firewalls and balancers forget connections that are idle for longer without telling anybody; most servers close
#: theirs later.
MOST_IDLE_SECONDS: Final = 30.0
#: A name that leads elsewhere, or to more servers, is followed within this time.
GREATEST_AGE_SECONDS: Final = 300.0


class KeepAlive:
    """Refuses connections that were idle for long, that are old, or that were idle when another was found dead.

    `clock` in seconds.
    """

    __slots__ = ("_distrusted_at", "now")

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self.now: Final = clock
        self._distrusted_at = -math.inf

    def may_reuse(self, made_at: float, idle_since: float) -> bool:
        """Whether a connection may carry another request; the moments are those that `now` told."""
        now = self.now()
        is_young = now - made_at < GREATEST_AGE_SECONDS
        return is_young and now - idle_since < MOST_IDLE_SECONDS and idle_since >= self._distrusted_at

    def distrust(self) -> None:
        """A kept connection gave no sign of life: none of those that are idle now is used again."""
        self._distrusted_at = self.now()


def keep_alive_of(conf: UpstreamConf) -> KeepAlive:
    """The rule for the kept connections to an upstream."""
    return _keep_alive_to(conf.name, conf.base_url)


@process_singleton
def _keep_alive_to(_name: str, _base_url: str) -> KeepAlive:
    return KeepAlive()
