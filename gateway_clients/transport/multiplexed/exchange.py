"""One request and its answer on a non-blocking connection, one step at a time."""

import errno
import select

from gateway_clients.conf import UpstreamConf
from gateway_clients.errors import UpstreamConnectionError, UpstreamTimeoutError, UpstreamUnavailableError
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.runtime.nonblocking_socket import NonblockingSocket
from gateway_clients.transport.exceptions import FOREIGN, map_exception
from gateway_clients.transport.messages import UpstreamRequest, UpstreamResponse, decoded
from gateway_clients.transport.multiplexed.connecting import Connecting
from gateway_clients.transport.multiplexed.connection_pool import ConnectionPool, PooledConnection
from gateway_clients.transport.multiplexed.response_parser import ResponseParser


class Exchange:
    """Goes on whenever its socket is ready; ends with `answer` or `error`, at the latest at its deadline.

    `connection` is the socket to watch, None while the host is being looked up; `interest` what to watch it for, as
    poll's event mask; `expires_at` when `expire` is to be called.
    """

    __slots__ = (
        "_conf",
        "_connecting",
        "_has_sent",
        "_left",
        "_pool",
        "_pooled",
        "_reader",
        "answer",
        "connection",
        "deadline",
        "error",
        "expires_at",
        "interest",
        "is_done",
        "outgoing",
    )

    def __init__(self, outgoing: UpstreamRequest, conf: UpstreamConf, pool: ConnectionPool, deadline: Deadline) -> None:
        self.outgoing = outgoing
        self.deadline = deadline
        self.answer: UpstreamResponse | None = None
        self.error: UpstreamUnavailableError | None = None
        self.is_done = False
        self.connection: NonblockingSocket | None = None
        self.interest = select.POLLOUT
        self.expires_at = deadline.at
        self._conf = conf
        self._pool = pool
        self._pooled: PooledConnection | None = None
        self._connecting: Connecting | None = None
        self._left = _encoded(outgoing, pool)
        self._reader = ResponseParser(max_bytes=conf.max_bytes)
        self._has_sent = False

    def start(self) -> None:
        """Writes on a kept connection, or begins to make one."""
        pooled = self._pool.take()
        try:
            if pooled is None:
                self._connect()
            else:
                self._begin(pooled)
        except FOREIGN as error:
            self._recover(error)

    def go_on(self) -> None:
        """Does what can be done now without waiting."""
        try:
            if self._connecting is not None:
                self._take_pooled(self._connecting, self._connecting.go_on())
            elif self.interest == select.POLLIN:
                self._read()
            else:
                self._write()
        except FOREIGN as error:
            self._recover(error)

    def expire(self) -> None:
        """The time is over: of one address while connecting, which may have others, or of all."""
        if self._connecting is None:
            if self._is_unanswered_reuse:
                self._pool.keep_alive.distrust()
            self._fail(UpstreamTimeoutError(self._conf.name, was_sent=self._has_sent))
            return
        try:
            self._take_pooled(self._connecting, self._connecting.expire())
        except FOREIGN as error:
            self._recover(error)

    def abandon(self) -> None:
        """Nobody wants the answer any more."""
        if not self.is_done:
            self._fail(UpstreamConnectionError(self._conf.name, was_sent=self._has_sent))

    def _recover(self, error: BaseException) -> None:
        """Foreign exceptions become ours; a stale kept connection costs a new one."""
        if not self._is_stale(error):
            self._fail(map_exception(self._conf.name, error, was_sent=self._has_sent))
            return
        self._drop_pooled()
        self._left = _encoded(self.outgoing, self._pool)
        self._has_sent = False
        try:
            self._connect()
        except FOREIGN as failure:
            self._recover(failure)

    def _is_stale(self, error: BaseException) -> bool:
        return self._is_unanswered_reuse and isinstance(error, OSError) and self.outgoing.may_resend

    @property
    def _is_unanswered_reuse(self) -> bool:
        return not self._reader.has_begun and self._pooled is not None and self._pooled.is_reused

    def _connect(self) -> None:
        self._connecting = connecting = Connecting(self._pool, self.deadline.sooner(self._conf.connect_seconds))
        self._take_pooled(connecting, connecting.go_on())

    def _take_pooled(self, connecting: Connecting, pooled: PooledConnection | None) -> None:
        if pooled is not None:
            self._connecting = None
            self._begin(pooled)
        else:
            self.connection, self.expires_at = connecting.connection, connecting.expires_at

    def _begin(self, pooled: PooledConnection) -> None:
        self._pooled, self.connection = pooled, pooled.connection
        self.expires_at = self.deadline.at
        self._write()

    def _write(self) -> None:
        assert self.connection is not None
        self._has_sent = True
        try:
            count = self.connection.send_now(self._left)
        except BlockingIOError:
            return
        self._left = self._left[count:]
        if not self._left:
            self.interest = select.POLLIN

    def _read(self) -> None:
        """One piece, so that an upstream that sends much keeps nobody else's answer waiting."""
        assert self.connection is not None
        try:
            data = self.connection.receive_now()
        except BlockingIOError:
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
        body = decoded(reader.body, reader.encoding, max_bytes=self._conf.max_bytes)
        self.answer = UpstreamResponse(reader.status, reader.headers, body)
        self._pooled = self.connection = None
        self._end()
        if reader.may_keep_connection:
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
        if self._connecting is not None:
            self._connecting.close()
            self._connecting = None
        if self._pooled is not None:
            self._pooled.close()
            self._pooled = None


def _encoded(outgoing: UpstreamRequest, pool: ConnectionPool) -> bytes:
    """The request's bytes."""
    start = f"{outgoing.method} {pool.path}{outgoing.target} HTTP/1.1\r\nHost: {pool.netloc}\r\n"
    head = f"{start}{outgoing.lines_to_send}\r\n".encode("latin-1")
    return head if outgoing.body is None else head + outgoing.body
