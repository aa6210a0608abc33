"""The client of several reads at once: all are written before the first answer is waited for, on one thread."""

import select
import time
from collections.abc import Iterable
from typing import Final

from gateway_clients.conf import UpstreamConf
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.runtime.bell import Bell
from gateway_clients.runtime.ppoll import wait_readable
from gateway_clients.transport.messages import UpstreamRequest
from gateway_clients.transport.multiplexed.connection_pool import connection_pool_of
from gateway_clients.transport.multiplexed.exchange import Exchange

#: Seconds between two looks at a host name that is being looked up.
RESOLVING_LOOK_SECONDS: Final = 0.005


class Multiplexer:
    """The exchanges of one thread."""

    def __init__(self) -> None:
        self._watched: dict[int, Exchange] = {}
        self._resolving: list[Exchange] = []
        self._done: list[Exchange] = []

    def prepared(self, outgoing: UpstreamRequest, conf: UpstreamConf, deadline: Deadline) -> Exchange:
        """A request that is ready to be written.

        Several are best prepared first and then started: one upstream, or one machine, is woken up once by all of them.
        """
        return Exchange(outgoing, conf, connection_pool_of(conf), deadline)

    def start(self, exchange: Exchange) -> None:
        """Writes it, as far as that goes without waiting."""
        exchange.start()
        self._watch(exchange)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to wait for."""
        return not (self._watched or self._resolving or self._done)

    def wait(self, seconds: float, bell: Bell | None = None) -> Iterable[Exchange]:
        """The exchanges that ended, waited for at most that long, and no longer than until the bell rings."""
        if not self._done:
            self._turn(seconds, bell)
        done, self._done = self._done, []
        return done

    def _turn(self, seconds: float, bell: Bell | None) -> None:
        now = time.monotonic()
        ends = [exchange.expires_at for exchange in (*self._watched.values(), *self._resolving)]
        next_look = min([now + seconds, *ends])
        if self._resolving:
            next_look = min(next_look, now + RESOLVING_LOOK_SECONDS)
        watched = [(descriptor, exchange.interest) for descriptor, exchange in self._watched.items()]
        if bell is not None:
            watched.append((bell.descriptor, select.POLLIN))
        for descriptor in wait_readable(watched, max(0.0, next_look - now)):
            if bell is not None and descriptor == bell.descriptor:
                continue
            exchange = self._watched.pop(descriptor)
            exchange.go_on()
            self._watch(exchange)
        looked_up, self._resolving = self._resolving, []
        for exchange in looked_up:
            exchange.go_on()
            self._watch(exchange)
        now = time.monotonic()
        if now >= next_look:
            self._expire(now)

    def _watch(self, exchange: Exchange) -> None:
        if exchange.is_done:
            self._done.append(exchange)
        elif exchange.connection is None:
            self._resolving.append(exchange)
        else:
            self._watched[exchange.connection.fileno()] = exchange

    def _expire(self, now: float) -> None:
        for descriptor, exchange in list(self._watched.items()):
            if exchange.expires_at <= now:
                del self._watched[descriptor]
                exchange.expire()
                self._watch(exchange)
        late = [exchange for exchange in self._resolving if exchange.expires_at <= now]
        for exchange in late:
            self._resolving.remove(exchange)
            exchange.expire()
            self._watch(exchange)

    def close(self) -> None:
        """Gives up what is under way."""
        for exchange in (*self._watched.values(), *self._resolving):
            exchange.abandon()
        self._watched.clear()
        self._resolving.clear()
