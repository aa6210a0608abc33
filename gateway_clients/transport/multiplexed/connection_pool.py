"""Kept connections of the multiplexed client: non-blocking sockets to one upstream, the last used first."""

import threading
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from gateway_clients.conf import UpstreamConf
from gateway_clients.runtime.nonblocking_socket import NonblockingSocket
from gateway_clients.runtime.singletons import process_singleton
from gateway_clients.transport.keep_alive import KeepAlive, keep_alive_of

HTTP_PORT: Final = 80


@dataclass(slots=True, eq=False)
class PooledConnection:
    """One connection."""

    connection: NonblockingSocket
    made_at: float
    is_reused: bool = False
    idle_since: float = field(default=0.0)

    def close(self) -> None:
        """Closes it."""
        self.connection.close()


class ConnectionPool:
    """The idle connections to one upstream."""

    def __init__(self, base_url: str, *, most: int, keep_alive: KeepAlive) -> None:
        parts = urlsplit(base_url)
        self.host = parts.hostname or ""
        self.port = parts.port or HTTP_PORT
        self.netloc = parts.netloc.rpartition("@")[2]
        self.path = parts.path.rstrip("/")
        self.keep_alive = keep_alive
        self._most = most
        self._lock = threading.Lock()
        self._idle: list[PooledConnection] = []

    def take(self) -> PooledConnection | None:
        """An idle connection that the upstream has not closed meanwhile, if there is one."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                pooled = self._idle.pop()
            if self.keep_alive.may_reuse(pooled.made_at, pooled.idle_since) and not pooled.connection.has_input():
                pooled.is_reused = True
                return pooled
            pooled.close()

    def keep(self, pooled: PooledConnection) -> None:
        """Keeps a connection for the next call, and closes those that nobody may use any more."""
        pooled.idle_since = self.keep_alive.now()
        spent: list[PooledConnection] = []
        with self._lock:
            while self._idle and not self.keep_alive.may_reuse(self._idle[0].made_at, self._idle[0].idle_since):
                spent.append(self._idle.pop(0))
            if len(self._idle) < self._most:
                self._idle.append(pooled)
            else:
                spent.append(pooled)
        for each in spent:
            each.close()

    def close(self) -> None:
        """Closes the idle ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for pooled in idle:
            pooled.close()


def connection_pool_of(conf: UpstreamConf) -> ConnectionPool:
    """The kept connections to an upstream."""
    return _pool_to(conf.name, conf.base_url, conf.bulkhead_limit, keep_alive_of(conf))


@process_singleton
def _pool_to(_name: str, base_url: str, bulkhead_limit: int, keep_alive: KeepAlive) -> ConnectionPool:
    # Not by the settings as a whole, whose hash is made anew of all of them each time.
    return ConnectionPool(base_url, most=2 * bulkhead_limit, keep_alive=keep_alive)
