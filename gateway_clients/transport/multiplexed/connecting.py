"""A connection that is being made without waiting: its host is looked up, then its addresses are tried in turn."""

import errno
import os
import socket
from concurrent.futures import Future
from typing import Final

from gateway_clients.resilience.deadline import Deadline
from gateway_clients.runtime.nonblocking_socket import NonblockingSocket
from gateway_clients.transport.dns import Address, patience_seconds, resolver
from gateway_clients.transport.multiplexed.connection_pool import ConnectionPool, PooledConnection

UNDER_WAY: Final = frozenset({errno.EINPROGRESS, errno.EALREADY})


class Connecting:
    """Goes on whenever its socket is ready, or has to be looked at while there is none yet."""

    def __init__(self, pool: ConnectionPool, deadline: Deadline) -> None:
        self.connection: NonblockingSocket | None = None
        self._pool = pool
        self._host, self._port = pool.host, pool.port
        self._connect_by = self._address_by = deadline
        self._future: Future[list[Address]] = resolver().start(self._host, self._port)
        self._resolve_by = resolver().patience(self._host, self._port, deadline)
        self._waiting: list[Address] | None = None
        self._address: Address | None = None
        self._has_tried_others = False
        self._failure = OSError(errno.EADDRNOTAVAIL, "no address")

    @property
    def expires_at(self) -> float:
        """When `expire` is to be called."""
        return (self._resolve_by if self._waiting is None else self._address_by).at

    def go_on(self) -> PooledConnection | None:
        """The connection, once it is made. Raises OSError when no address takes one."""
        if self.connection is not None:
            return self._outcome(self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        if not self._future.done():
            return None
        self._waiting = list(self._future.result())
        return self._try_next()

    def expire(self) -> PooledConnection | None:
        """The time of this address is over: on to the next. Raises TimeoutError when there is none."""
        self._failure = TimeoutError()
        if self._waiting is None:
            self._waiting = resolver().known(self._host, self._port)
        return self._try_next()

    def _try_next(self) -> PooledConnection | None:
        self.close()
        if not self._waiting:
            raise self._failure
        self._address_by = self._connect_by.sooner(patience_seconds(self._connect_by, len(self._waiting)))
        self._address = self._waiting.pop(0)
        try:
            self.connection = NonblockingSocket(self._address.family, socket.SOCK_STREAM)
        except OSError as error:
            return self._outcome(error.errno or errno.EAFNOSUPPORT)
        self.connection.setblocking(False)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._outcome(self.connection.connect_ex(self._address.socket_address))

    def _outcome(self, code: int) -> PooledConnection | None:
        if code in UNDER_WAY:
            return None
        if code != 0:
            self._failure = OSError(code, os.strerror(code))
            self._has_tried_others = True
            return self._try_next()
        assert self.connection is not None
        if self._has_tried_others and self._address is not None:
            resolver().prefer(self._host, self._port, self._address)
        pooled, self.connection = PooledConnection(self.connection, self._pool.keep_alive.now()), None
        return pooled

    def close(self) -> None:
        """Gives it up."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None
