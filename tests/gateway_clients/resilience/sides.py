"""Two sides that share their breakers over Redis, as two processes do."""

import time

from redis import Redis

from gateway_clients.redis_access.circuit import RedisCircuit
from gateway_clients.resilience.breaker import Breaker, Override
from gateway_clients.resilience.breaker_sync import BreakerSync
from gateway_clients.resilience.overrides import OverrideOrder
from tests.gateway_clients.resilience.transcript import conf
from tests.support.clock import FakeClock


class Side:
    """One process: its sharing, and its breaker of the claims service."""

    def __init__(self, redis: Redis, prefix: str, clock: FakeClock) -> None:
        self.redis = redis
        self.prefix = prefix
        self.clock = clock
        self.circuit = RedisCircuit(lambda: self.redis, sleep=lambda _: time.sleep(0.02))
        self.sharing = BreakerSync(self.circuit, prefix=prefix, now=clock)
        self.breaker = self.new_breaker("claims")

    def new_breaker(self, service: str) -> Breaker:
        breaker = Breaker(
            conf(name=service),
            clock=self.clock,
            on_pause=self.sharing.publish_pause,
            may_probe=self.sharing.may_probe,
            on_probe_end=self.sharing.end_probe,
        )
        self.sharing.add(breaker)
        return breaker

    @property
    def state(self) -> str:
        return str(self.breaker.current_state)

    def say(self, order: OverrideOrder, service: str = "claims") -> None:
        """Staff give an order here."""
        self.sharing.announce(service, self.sharing.order(service, order))

    def reset(self) -> None:
        """Staff put the breaker back to normal here."""
        ruling = self.sharing.order_reset("claims", reason="done", ordered_by="7")
        self.sharing.announce("claims", ruling)

    def trip(self) -> None:
        for _ in range(5):
            self.breaker.admit().failed(0.1)


def connected(url: str) -> Redis:
    return Redis.from_url(url, socket_timeout=0.1, socket_connect_timeout=0.1, retry=None)


def order(
    override: Override = Override.FORCED_OPEN, *, until: float = 2000.0, reason: str = "maintenance"
) -> OverrideOrder:
    return OverrideOrder(override=override, until=until, reason=reason, ordered_by="7")
