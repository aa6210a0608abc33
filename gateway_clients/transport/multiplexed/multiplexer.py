"""Several requests at once on one thread: all are written before the first answer is waited for."""

import select
import time
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from gateway_clients.runtime.bell import Bell
from gateway_clients.runtime.nonblocking_socket import NonblockingSocket
from gateway_clients.runtime.poll import wait_readable
from gateway_clients.transport.messages import UpstreamResponse
from gateway_clients.transport.multiplexed.tls_connection import TLSConnection

#: Seconds between two checks of a DNS lookup.
RESOLVING_LOOK_SECONDS: Final = 0.005


class Sending(Protocol):
    """One request under way. See `Exchange` for its parts."""

    @property
    def connection(self) -> NonblockingSocket | TLSConnection | None: ...
    @property
    def interest(self) -> int: ...
    @property
    def expires_at(self) -> float: ...
    @property
    def is_done(self) -> bool: ...
    @property
    def rings(self) -> bool: ...
    @property
    def answer(self) -> UpstreamResponse | None: ...
    @property
    def error(self) -> Exception | None: ...
    def start(self) -> None: ...
    def go_on(self) -> None: ...
    def expire(self) -> None: ...
    def abandon(self) -> None: ...


class Multiplexer:
    """The requests under way of one thread."""

    def __init__(self) -> None:
        self._watched: dict[int, Sending] = {}
        self._unwatched: list[Sending] = []
        self._done: list[Sending] = []
        self._bell: Bell | None = None

    def bell(self) -> Bell:
        """The bell with which another thread ends a wait."""
        if self._bell is None:
            self._bell = Bell()
        return self._bell

    def start(self, exchanges: Sequence[Sending]) -> None:
        """Writes the requests as far as that is possible without blocking.

        Several are best started together: an upstream, or the host, then wakes up once for all of them.
        """
        for exchange in exchanges:
            exchange.start()
            self._watch(exchange)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to wait for."""
        return not (self._watched or self._unwatched or self._done)

    def wait(self, seconds: float) -> Iterable[Sending]:
        """Waits for at most `seconds`, or until the bell rings; returns the requests that have ended."""
        if not self._done:
            self._turn(seconds)
        done, self._done = self._done, []
        return done

    def _turn(self, seconds: float) -> None:
        now = time.monotonic()
        next_look = now + seconds
        watched = []
        for descriptor, exchange in self._watched.items():
            next_look = min(next_look, exchange.expires_at)
            watched.append((descriptor, exchange.interest))
        for exchange in self._unwatched:
            next_look = min(next_look, exchange.expires_at)
            if not exchange.rings:
                next_look = min(next_look, now + RESOLVING_LOOK_SECONDS)
        bell = self._bell
        if bell is not None:
            watched.append((bell.descriptor, select.POLLIN))
        for descriptor in wait_readable(watched, max(0.0, next_look - now)):
            if bell is not None and descriptor == bell.descriptor:
                bell.hush()
                continue
            exchange = self._watched.pop(descriptor)
            exchange.go_on()
            self._watch(exchange)
        looked_at, self._unwatched = self._unwatched, []
        for exchange in looked_at:
            exchange.go_on()
            self._watch(exchange)
        now = time.monotonic()
        if now >= next_look:
            self._expire(now)

    def _watch(self, exchange: Sending) -> None:
        if exchange.is_done:
            self._done.append(exchange)
        elif exchange.connection is None:
            self._unwatched.append(exchange)
        else:
            self._watched[exchange.connection.fileno()] = exchange

    def _expire(self, now: float) -> None:
        for descriptor, exchange in list(self._watched.items()):
            if exchange.expires_at <= now:
                del self._watched[descriptor]
                exchange.expire()
                self._watch(exchange)
        late = [exchange for exchange in self._unwatched if exchange.expires_at <= now]
        for exchange in late:
            self._unwatched.remove(exchange)
            exchange.expire()
            self._watch(exchange)

    def close(self) -> None:
        """Abandons the requests under way. Nothing rings the bell after this."""
        for exchange in (*self._watched.values(), *self._unwatched):
            exchange.abandon()
        self._watched.clear()
        self._unwatched.clear()
        if self._bell is not None:
            self._bell.close()
            self._bell = None
