"""Kept connections for calls side by side: non-blocking sockets to one upstream, the last used first."""

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from gateway_clients.runtime.nonblocking_socket import NonblockingSocket
from gateway_clients.transport.keep_alive import KeepAlive
from gateway_clients.transport.multiplexed.tls_connection import TLSConnection

HTTP_PORT: Final = 80
HTTPS_PORT: Final = 443


@dataclass(slots=True, eq=False)
class PooledConnection:
    """One connection."""

    connection: NonblockingSocket | TLSConnection
    made_at: float
    is_reused: bool = False
    idle_since: float = field(default=0.0)

    def close(self) -> None:
        """Closes the connection."""
        self.connection.close()


class ConnectionPool:
    """The idle connections to one origin, which is an address's scheme, host and port.

    `tls` makes the context of new connections; None: they are plain TCP.
    """

    def __init__(
        self, origin: str, *, most: int, keep_alive: KeepAlive, tls: Callable[[], ssl.SSLContext] | None = None
    ) -> None:
        parts = urlsplit(origin)
        self.origin = origin
        self.host = parts.hostname or ""
        self.port = parts.port or (HTTP_PORT if tls is None else HTTPS_PORT)
        self.netloc = parts.netloc.rpartition("@")[2]
        self.keep_alive = keep_alive
        self.tls = tls
        self._most = most
        self._lock = threading.Lock()
        self._idle: list[PooledConnection] = []

    def take(self) -> PooledConnection | None:
        """Returns an idle connection that the upstream has not closed, or None."""
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
        """Keeps a connection for the next call, and closes those that may not be used again."""
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
        """Closes the idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for pooled in idle:
            pooled.close()
