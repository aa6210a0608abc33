"""urllib3's connections and pools with a clock for the whole answer, caps, and heads that are read strictly."""

import email.errors
import http.client
import socket
from functools import partial
from typing import Any, Final, NamedTuple

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from gateway_clients.runtime.dns import dial, resolver
from gateway_clients.transport.deadline_socket import DeadlineSocket, request_progress
from gateway_clients.transport.keep_alive import KeepAlive
from gateway_clients.transport.multiplexed.response_parser import HEAD_MAX_BYTES

SWITCHING_PROTOCOLS: Final = 101
FIRST_FINAL_STATUS: Final = 200
LINE_MAX_BYTES: Final = 65_537
BROKEN_HEAD: Final = (
    email.errors.FirstHeaderLineIsContinuationDefect,
    email.errors.MissingHeaderBodySeparatorDefect,
)


class ConnectionLimits(NamedTuple):
    """The limits of one upstream's connections. The seconds apply to callers that name no timeout."""

    connect_seconds: float
    answer_seconds: float
    wire_max_bytes: int
    keep_alive: KeepAlive


class StrictResponse(http.client.HTTPResponse):
    """Skips interim answers (1xx), and refuses malformed heads.

    http.client skips 100 only and takes 103 for the answer; of a broken head it keeps what it understood.
    """

    def begin(self) -> None:
        super().begin()
        if any(isinstance(defect, BROKEN_HEAD) for defect in self.headers.defects):
            raise http.client.HTTPException("not a head")
        if self.chunked and "Content-Length" in self.headers:
            raise http.client.HTTPException("two ways to its end")

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc] # typeshed leaves it out
            if status == SWITCHING_PROTOCOLS:
                raise http.client.UnknownProtocol("another protocol was not asked for")
            if status >= FIRST_FINAL_STATUS:
                return version, status, reason
            while self.fp.readline(LINE_MAX_BYTES).strip():
                pass


class _DeadlineConnection:
    """What connections over TCP and TLS share: dialling, the deadline, and the strict reading of heads."""

    response_class: Any = StrictResponse
    sock: Any
    timeout: Any
    host: str
    port: int
    _dns_host: str
    requests_sent = 0
    made_at = idle_since = 0.0

    def __init__(self, *args: Any, limits: ConnectionLimits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limits = limits

    def _new_conn(self) -> socket.socket:
        seconds = self.limits.connect_seconds if self.timeout is None else float(self.timeout)
        try:
            return dial(self._dns_host, self.port, seconds, resolver())
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error  # type: ignore[arg-type]
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "connect") from error
        except OSError as error:
            raise NewConnectionError(self, "connect") from error  # type: ignore[arg-type]

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.sock = request_progress.socket = DeadlineSocket(self.sock)
        self.requests_sent = 0
        self.made_at = self.idle_since = self.limits.keep_alive.now()
        if request_progress.step_seconds is not None:
            self.sock.pace(request_progress.step_seconds)

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None and not self._may_reuse:
            self.close()  # type: ignore[attr-defined]
        if self.sock is None:
            self.connect()
        if request_progress.deadline is not None:
            # urllib3 gives writing the time of connecting, from `timeout`.
            self.timeout = max(request_progress.deadline.remaining_seconds, 0.001)
        request_progress.is_reused = self.requests_sent > 0
        request_progress.has_sent = True
        self.requests_sent += 1
        super().request(*args, **kwargs)  # type: ignore[misc]

    @property
    def _may_reuse(self) -> bool:
        if self.requests_sent == 0:
            # urllib3 shakes hands over TLS before it hands over the request.
            return True
        if request_progress.must_dial or self.sock.is_paced:
            return False
        return self.limits.keep_alive.may_reuse(self.made_at, self.idle_since)

    def getresponse(self) -> Any:
        """Reads the head of the answer and those of interim answers before it, within one cap."""
        connection: DeadlineSocket = self.sock
        if self.timeout is None:
            self.timeout = self.limits.answer_seconds
        connection.allow(HEAD_MAX_BYTES)
        connection.is_in_head = True
        response = super().getresponse()  # type: ignore[misc]
        connection.is_in_head = False
        connection.allow(self.limits.wire_max_bytes)
        # The body is still to come, within seconds: better too early than too late.
        self.idle_since = self.limits.keep_alive.now()
        return response


class DeadlineHTTPConnection(_DeadlineConnection, HTTPConnection):
    """A connection over TCP."""


class DeadlineHTTPSConnection(_DeadlineConnection, HTTPSConnection):
    """A connection over TLS."""


class DeadlineHTTPPool(HTTPConnectionPool):
    """A pool of connections over TCP."""

    ConnectionCls = DeadlineHTTPConnection


class DeadlineHTTPSPool(HTTPSConnectionPool):
    """A pool of connections over TLS."""

    ConnectionCls = DeadlineHTTPSConnection


def pool_classes(limits: ConnectionLimits) -> dict[str, Any]:
    """Returns the classes of which a urllib3 pool manager makes its pools, by scheme."""
    return {"http": partial(DeadlineHTTPPool, limits=limits), "https": partial(DeadlineHTTPSPool, limits=limits)}
