"""One request and its answer on a non-blocking connection, one step at a time."""

import errno
import select
from typing import NamedTuple

from gateway_clients.errors import UpstreamConnectionError, UpstreamTimeoutError, UpstreamUnavailableError
from gateway_clients.runtime.nonblocking_socket import NonblockingSocket
from gateway_clients.transport.exceptions import FOREIGN, map_exception
from gateway_clients.transport.messages import PreparedCall, UpstreamResponse, decoded
from gateway_clients.transport.multiplexed.connection_attempt import ConnectionAttempt
from gateway_clients.transport.multiplexed.connection_pool import ConnectionPool, PooledConnection
from gateway_clients.transport.multiplexed.request_writer import RequestWriter
from gateway_clients.transport.multiplexed.response_parser import ResponseParser
from gateway_clients.transport.multiplexed.tls_connection import TLSConnection


class AnswerLimits(NamedTuple):
    """The limits of an exchange, and the upstream's name for errors."""

    service: str
    connect_seconds: float
    max_bytes: int


class Exchange:
    """One request and its answer, which goes on when its socket is ready and ends with either by its deadline.

    `connection` is the socket to watch, None during the DNS lookup; `interest` is poll's event mask for it;
    `expires_at` is when `expire` is to be called.
    """

    __slots__ = (
        "_attempt",
        "_call",
        "_limits",
        "_pool",
        "_pooled",
        "_reader",
        "_writer",
        "answer",
        "connection",
        "deadline",
        "error",
        "expires_at",
        "interest",
        "is_done",
    )
    #: Whether it rings the multiplexer's bell at its end, so that it need not be polled.
    rings = False

    def __init__(self, call: PreparedCall, limits: AnswerLimits, pool: ConnectionPool) -> None:
        self.deadline = deadline = call.deadline
        self.answer: UpstreamResponse | None = None
        self.error: Exception | None = None
        self.is_done = False
        self.connection: NonblockingSocket | TLSConnection | None = None
        self.interest = select.POLLOUT
        self.expires_at = deadline.at
        self._call = call
        self._limits = limits
        self._pool = pool
        self._pooled: PooledConnection | None = None
        self._attempt: ConnectionAttempt | None = None
        self._writer = RequestWriter(call.request, pool)
        self._reader = ResponseParser(max_bytes=limits.max_bytes)

    def start(self) -> None:
        """Writes the request on a kept connection, or begins to make one."""
        pooled = self._pool.take()
        try:
            if pooled is None:
                self._connect()
            else:
                self._begin(pooled)
        except FOREIGN as error:
            self._recover(error)

    def go_on(self) -> None:
        """Does what is possible without blocking."""
        try:
            if self._attempt is not None:
                self._take_pooled(self._attempt, self._attempt.go_on())
            elif self._writer.left:
                self._write()
            else:
                self._read()
        except FOREIGN as error:
            self._recover(error)

    def expire(self) -> None:
        """Ends the exchange by a timeout; while connecting, goes on to the next address first."""
        if self._attempt is None:
            if self._is_unanswered_reuse:
                self._pool.keep_alive.distrust()
            self._fail(UpstreamTimeoutError(self._limits.service, was_sent=self._writer.has_sent))
            return
        try:
            self._take_pooled(self._attempt, self._attempt.expire())
        except FOREIGN as error:
            self._recover(error)

    def abandon(self) -> None:
        """Ends the exchange without an answer and closes its connection."""
        if not self.is_done:
            self._fail(UpstreamConnectionError(self._limits.service, was_sent=self._writer.has_sent))

    def _recover(self, error: BaseException) -> None:
        """Ends with the gateway's error, or begins again on a new connection when a kept one was closed."""
        if not self._is_stale(error):
            self._fail(map_exception(self._limits.service, error, was_sent=self._writer.has_sent))
            return
        self._drop_pooled()
        self._writer = RequestWriter(self._call.request, self._pool)
        try:
            self._connect()
        except FOREIGN as failure:
            self._recover(failure)

    def _is_stale(self, error: BaseException) -> bool:
        return self._is_unanswered_reuse and isinstance(error, OSError) and self._call.may_resend

    @property
    def _is_unanswered_reuse(self) -> bool:
        return not self._reader.has_begun and self._pooled is not None and self._pooled.is_reused

    def _connect(self) -> None:
        self._attempt = attempt = ConnectionAttempt(self._pool, self.deadline.sooner(self._limits.connect_seconds))
        self._take_pooled(attempt, attempt.go_on())

    def _take_pooled(self, attempt: ConnectionAttempt, pooled: PooledConnection | None) -> None:
        if pooled is not None:
            self._attempt = None
            self._begin(pooled)
        else:
            self.connection, self.interest = attempt.connection, attempt.interest
            self.expires_at = attempt.expires_at

    def _begin(self, pooled: PooledConnection) -> None:
        self._pooled, self.connection = pooled, pooled.connection
        self.expires_at = self.deadline.at
        self._write()

    def _write(self) -> None:
        assert self.connection is not None
        try:
            self._writer.write(self.connection)
        except BlockingIOError:
            self.interest = _interest(self.connection, select.POLLOUT)
            return
        self.interest = select.POLLOUT if self._writer.left else select.POLLIN

    def _read(self) -> None:
        """Reads one piece, so that a large answer does not hold up the others."""
        assert self.connection is not None
        try:
            data = self.connection.receive_now()
        except BlockingIOError:
            self.interest = _interest(self.connection, select.POLLIN)
            return
        if data:
            self._reader.feed(data)
        elif not self._reader.end():
            raise ConnectionResetError(errno.ECONNRESET, "ended early")
        if self._reader.is_complete:
            self._succeed()

    def _succeed(self) -> None:
        reader, pooled = self._reader, self._pooled
        assert pooled is not None
        body = decoded(reader.body, reader.encoding, max_bytes=self._limits.max_bytes)
        self.answer = answer = UpstreamResponse(reader.status, reader.headers, body)
        answer.request, answer.url = self._call.request, str(self._call.request.url)
        self._pooled = self.connection = None
        self._end()
        if reader.may_keep_connection and not self._writer.is_cut_off:
            self._pool.keep(pooled)
        else:
            pooled.close()

    def _fail(self, error: UpstreamUnavailableError) -> None:
        self.error = error
        self._drop_pooled()
        self._end()

    def _end(self) -> None:
        self._reader.close()
        self.is_done = True

    def _drop_pooled(self) -> None:
        self.connection, self.interest = None, select.POLLOUT
        if self._attempt is not None:
            self._attempt.close()
            self._attempt = None
        if self._pooled is not None:
            self._pooled.close()
            self._pooled = None


def _interest(connection: NonblockingSocket | TLSConnection, own: int) -> int:
    """Returns poll's event mask for a connection that would block: TLS may have to read before it writes."""
    return connection.interest if isinstance(connection, TLSConnection) else own
