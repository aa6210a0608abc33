"""Makes a connection without blocking: a DNS lookup, its addresses in turn, and over TLS the handshake."""

import errno
import os
import select
import socket
import ssl
from concurrent.futures import Future
from typing import Final

from gateway_clients.resilience.deadline import Deadline
from gateway_clients.runtime.dns import Address, resolver, share_of
from gateway_clients.runtime.nonblocking_socket import NonblockingSocket
from gateway_clients.transport.multiplexed.connection_pool import ConnectionPool, PooledConnection
from gateway_clients.transport.multiplexed.tls_connection import TLSConnection

UNDER_WAY: Final = frozenset({errno.EINPROGRESS, errno.EALREADY})


class ConnectionAttempt:
    """One attempt to connect; `go_on` is called when its socket is ready, and now and then before there is one.

    `interest` is poll's event mask for the socket.
    """

    def __init__(self, pool: ConnectionPool, deadline: Deadline) -> None:
        self.connection: NonblockingSocket | TLSConnection | None = None
        self.interest = select.POLLOUT
        self._pool = pool
        self._host, self._port = pool.host, pool.port
        self._connect_by = self._address_by = deadline
        self._future: Future[list[Address]] = resolver().start(self._host, self._port)
        self._resolve_by = deadline.sooner(
            resolver().patience_seconds(self._host, self._port, deadline.remaining_seconds)
        )
        self._waiting: list[Address] | None = None
        self._address: Address | None = None
        self._has_tried_others = False
        self._failure = OSError(errno.EADDRNOTAVAIL, "no address")

    @property
    def expires_at(self) -> float:
        """The monotonic time in seconds at which `expire` is to be called."""
        return (self._resolve_by if self._waiting is None else self._address_by).at

    def go_on(self) -> PooledConnection | None:
        """Returns the connection once it is made. Raises OSError when no address accepts, or for a bad certificate."""
        if isinstance(self.connection, TLSConnection):
            return self._shake_hands(self.connection)
        if self.connection is not None:
            return self._outcome(self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        if not self._future.done():
            return None
        self._waiting = list(self._future.result())
        return self._try_next()

    def expire(self) -> PooledConnection | None:
        """Goes on to the next address, because the time of this one is over. Raises TimeoutError after the last."""
        self._failure = TimeoutError()
        if self._waiting is None:
            self._waiting = resolver().known(self._host, self._port)
        return self._try_next()

    def _try_next(self) -> PooledConnection | None:
        self.close()
        if not self._waiting:
            raise self._failure
        seconds = share_of(self._connect_by.remaining_seconds, len(self._waiting))
        self._address_by = self._connect_by.sooner(seconds)
        self._address = self._waiting.pop(0)
        self.interest = select.POLLOUT
        try:
            made = NonblockingSocket(self._address.family, socket.SOCK_STREAM)
        except OSError as error:
            return self._outcome(error.errno or errno.EAFNOSUPPORT)
        self.connection = made
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._outcome(made.connect_ex(self._address.socket_address))

    def _outcome(self, code: int) -> PooledConnection | None:
        if code in UNDER_WAY:
            return None
        if code != 0:
            self._failure = OSError(code, os.strerror(code))
            self._has_tried_others = True
            return self._try_next()
        assert isinstance(self.connection, NonblockingSocket)
        if self._has_tried_others and self._address is not None:
            resolver().prefer(self._host, self._port, self._address)
        if self._pool.tls is None:
            return self._made()
        self.connection = TLSConnection(self.connection, self._pool.tls(), self._host)
        return self._shake_hands(self.connection)

    def _shake_hands(self, connection: TLSConnection) -> PooledConnection | None:
        try:
            connection.shake_hands()
        except BlockingIOError:
            self.interest = connection.interest
            return None
        except ssl.SSLError:
            raise
        except OSError as error:
            self._failure = error
            return self._try_next()
        return self._made()

    def _made(self) -> PooledConnection:
        assert self.connection is not None
        pooled, self.connection = PooledConnection(self.connection, self._pool.keep_alive.now()), None
        return pooled

    def close(self) -> None:
        """Closes the socket and ends the attempt."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None
