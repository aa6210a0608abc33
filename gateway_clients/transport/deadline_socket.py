"""urllib3 connections whose timeout is for the whole answer, not for each read from the socket."""

import email.errors
import http.client
import io
import socket
import threading
import time
from typing import Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.dns import dial
from gateway_clients.transport.keep_alive import KeepAlive
from gateway_clients.transport.messages import AnswerTooLargeError
from gateway_clients.transport.multiplexed.response_parser import HEAD_MAX_BYTES

SWITCHING_PROTOCOLS: Final = 101
FIRST_FINAL_STATUS: Final = 200
LINE_MAX_BYTES: Final = 65_537
BROKEN_HEAD: Final = (
    email.errors.FirstHeaderLineIsContinuationDefect,
    email.errors.MissingHeaderBodySeparatorDefect,
)


class _RequestProgress(threading.local):
    """This thread's request: what it may take, and how far it came."""

    deadline = Deadline(0.0)
    keep_alive = KeepAlive()
    wire_max_bytes = 0
    must_dial = False
    is_reused = False
    has_sent = False
    has_received = False

    def begin(self, deadline: Deadline, *, keep_alive: KeepAlive, wire_max_bytes: int, must_dial: bool) -> None:
        """Another request sets out; `must_dial`: on a new connection."""
        self.deadline, self.keep_alive = deadline, keep_alive
        self.wire_max_bytes, self.must_dial = wire_max_bytes, must_dial
        self.is_reused = self.has_sent = self.has_received = False


request_progress = _RequestProgress()


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until its clock runs out, or its bytes are used up."""

    def __init__(self, clocked: "DeadlineSocket", raw: Any) -> None:
        super().__init__()
        self._clocked = clocked
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._clocked.wind()
        count: int | None = self._raw.readinto(buffer)
        if count:
            request_progress.has_received = True
            self._clocked.take(count)
        elif self._clocked.is_in_head:
            # http.client takes the end of the connection for the end of the head.
            raise ConnectionResetError("ended in the head")
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class DeadlineSocket:
    """A socket whose `settimeout` is for all that is done until it is set anew.

    Seconds; TimeoutError once they are over.
    """

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._ends_at: float | None = None
        self._bytes_left = 0
        self.is_in_head = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def settimeout(self, seconds: float | None) -> None:
        """Starts the clock."""
        self._ends_at = None if seconds is None else time.monotonic() + seconds
        self._inner.settimeout(seconds)

    def wind(self) -> None:
        """Gives the next step what is left. Raises TimeoutError."""
        if self._ends_at is None:
            return
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._inner.settimeout(left)

    def allow(self, size: int) -> None:
        """So many bytes may be read from now on."""
        self._bytes_left = size

    def take(self, size: int) -> None:
        """So many have been read. Raises AnswerTooLargeError when that is too many."""
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise AnswerTooLargeError

    def sendall(self, data: Any) -> None:
        """Sends it all, on the clock."""
        left = memoryview(data).cast("B")
        while left:
            self.wind()
            left = left[self._inner.send(left) :]

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """A reader on the clock."""
        return io.BufferedReader(_DeadlineReader(self, self._inner.makefile("rb", buffering=0)))


class StrictResponse(http.client.HTTPResponse):
    """Passes over interim answers, and refuses heads that are none.

    http.client passes over 100 only and takes 103 for the answer; of a broken head it keeps what it understood.
    """

    def begin(self) -> None:
        super().begin()
        if any(isinstance(defect, BROKEN_HEAD) for defect in self.headers.defects):
            raise http.client.HTTPException("not a head")

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc] # typeshed leaves it out
            if status == SWITCHING_PROTOCOLS:
                raise http.client.UnknownProtocol("another protocol was not asked for")
            if status >= FIRST_FINAL_STATUS:
                return version, status, reason
            while self.fp.readline(LINE_MAX_BYTES).strip():
                pass


class StrictConnection:
    """What the connections of both clients share: how they are dialled, and what is a head."""

    response_class: Any = StrictResponse
    sock: Any
    timeout: Any
    host: str
    port: int
    _dns_host: str

    def _new_conn(self) -> socket.socket:
        try:
            return dial(self._dns_host, self.port, float(self.timeout))
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error  # type: ignore[arg-type]
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "connect") from error
        except OSError as error:
            raise NewConnectionError(self, "connect") from error  # type: ignore[arg-type]

    def getresponse(self) -> Any:
        """The head of the answer, with those of interim answers before it within one cap."""
        connection: DeadlineSocket = self.sock
        connection.allow(HEAD_MAX_BYTES)
        connection.is_in_head = True
        response = super().getresponse()  # type: ignore[misc]
        connection.is_in_head = False
        return response


class _DeadlineConnection(StrictConnection):
    """What connections over TCP and TLS share."""

    requests_sent = 0
    made_at = idle_since = 0.0

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.sock = DeadlineSocket(self.sock)
        self.requests_sent = 0
        self.made_at = self.idle_since = request_progress.keep_alive.now()

    def request(self, *args: Any, **kwargs: Any) -> None:
        may_reuse = not request_progress.must_dial and request_progress.keep_alive.may_reuse(
            self.made_at, self.idle_since
        )
        if self.sock is not None and not may_reuse:
            self.close()  # type: ignore[attr-defined]
        if self.sock is None:
            self.connect()
        # urllib3 gives writing the time of connecting, from `timeout`.
        self.timeout = max(request_progress.deadline.remaining_seconds, 0.001)
        request_progress.is_reused = self.requests_sent > 0
        request_progress.has_sent = True
        self.requests_sent += 1
        super().request(*args, **kwargs)  # type: ignore[misc]

    def getresponse(self) -> Any:
        connection = self.sock
        response = super().getresponse()
        connection.allow(request_progress.wire_max_bytes)
        # The body is still to come, within seconds: rather too early than too late.
        self.idle_since = request_progress.keep_alive.now()
        return response


class DeadlineHTTPConnection(_DeadlineConnection, HTTPConnection):
    """Over TCP."""


class DeadlineHTTPSConnection(_DeadlineConnection, HTTPSConnection):
    """Over TLS."""


class DeadlineHTTPPool(HTTPConnectionPool):
    """Connections over TCP."""

    ConnectionCls = DeadlineHTTPConnection


class DeadlineHTTPSPool(HTTPSConnectionPool):
    """Connections over TLS."""

    ConnectionCls = DeadlineHTTPSConnection


POOL_CLASSES = {"http": DeadlineHTTPPool, "https": DeadlineHTTPSPool}
