"""Connections to Redis, over TCP, TLS or a Unix socket.

None is used that has been idle or open for too long, or that leads to another server than the address does now.
"""

import errno
import socket
import ssl
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from hiredis import PushNotification, Reader
from redis import Connection, SSLConnection, UnixDomainSocketConnection
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection, DefaultParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, ResponseError
from redis.retry import Retry
from redis.utils import str_if_bytes

from gateway_clients.redis_access.error_replies import CLUSTER, refusal_code
from gateway_clients.redis_access.sentinels import Places, primary_of
from gateway_clients.redis_access.server_identity import Server, server_at
from gateway_clients.runtime.dns import dial, redis_resolver
from gateway_clients.runtime.nonblocking_socket import BlockingSocket
from gateway_clients.tls import client_context

#: Seconds after which an idle connection is closed rather than used: a firewall may have forgotten it without a word.
IDLE_SECONDS: Final = 15.0
#: Seconds that a connection is used at most; a new one leads to where the name leads by then.
MAX_AGE_SECONDS: Final = 60.0
#: The version of Redis's protocol that has no pushes: nothing comes that was not asked for.
PROTOCOL: Final = 2
#: Seconds that a dial may take where the address of Redis names no limit.
LONGEST_DIAL_SECONDS: Final = 60.0
#: redis-py gives each connection a buffer of 64 kB to read into. Scripts' answers go through it over TLS alone, where a
#: record has at most 16 kB (RFC 8446, section 5.1).
BUFFER_BYTES: Final = 4_096
TLS_BUFFER_BYTES: Final = 16_384
#: What the reader says while an answer is not whole.
_NOT_YET: Final = object()


class KeptConnection(AbstractConnection):
    """A connection that is not used when stale. Times are those of the monotonic clock, in seconds."""

    port: int
    dialled_at = 0.0
    used_at = 0.0

    @cached_property
    def server(self) -> Server:
        """The server that the connection leads to."""
        if isinstance(self, UnixDomainSocketConnection):
            return server_at(self.path, self.db)
        return server_at(f"{self.host}:{self.port}", self.db)

    @property
    def is_stale(self) -> bool:
        """True where the connection is idle or open for too long, or leads to a server of before."""
        now, dialled_at = time.monotonic(), self.dialled_at
        is_old = now - self.used_at > IDLE_SECONDS or now - dialled_at > MAX_AGE_SECONDS
        return is_old or dialled_at < self.server.valid_from

    def connect(self) -> None:
        """Dials, unless the connection is there and of use. Raises RedisError."""
        if self.is_connected and self.is_stale:
            self.disconnect()  # type: ignore[no-untyped-call]
        super().connect()  # type: ignore[no-untyped-call]

    def on_connect_check_health(self, check_health: bool = True) -> None:
        """redis-py's place to say who we are, once the socket is there. Raises RedisError where it is of no use."""
        self.dialled_at = self.used_at = time.monotonic()
        super().on_connect_check_health(check_health=check_health)
        try:
            self._meet_server()
        except ResponseError as error:
            raise RedisConnectionError(str(error), status_code=refusal_code(error)) from error

    def _meet_server(self) -> None:
        info = self._server_info()
        if info.get("redis_mode") == "cluster":
            raise RedisConnectionError("a node of a Redis Cluster", status_code=CLUSTER)
        run_id = info.get("run_id", "")
        greeting = self.server.greeting(run_id)
        if greeting is not None:
            self.send_command(*greeting, check_health=False)  # type: ignore[no-untyped-call]
            self.read_response()
            self.server.meet(run_id, self.dialled_at)

    def _server_info(self) -> dict[str, str]:
        """Redis's own INFO; empty where it refuses, or where a proxy does not pass the question on."""
        self.send_command("INFO", "server", check_health=False)  # type: ignore[no-untyped-call]
        try:
            text: str = str_if_bytes(self.read_response())
        except ResponseError:
            return {}
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Sends what was packed. Raises RedisError."""
        self.used_at = time.monotonic()
        super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]


class NonblockingConnection(KeptConnection):
    """A connection on a socket that lets other threads run only while it waits; for those without TLS."""

    prompt: BlockingSocket
    reader: Reader

    def _connect(self) -> socket.socket:
        """redis-py's place to make the socket."""
        made: socket.socket = super()._connect()  # type: ignore[no-untyped-call, safe-super]
        self.prompt = BlockingSocket(fileno=made.detach())
        self.prompt.settimeout(self.socket_timeout)
        error_of = DefaultParser.parse_error
        self.reader = Reader(protocolError=InvalidResponse, replyError=error_of, notEnoughData=_NOT_YET)
        return self.prompt

    def answers(self, count: int) -> list[Any]:
        """Waits for the answers to so many commands, errors among them; pushes are left out.

        Raises RedisError, OSError, and InvalidResponse where there is more: no answer can be
        matched to its command then.
        """
        answers: list[Any] = []
        try:
            while len(answers) < count:
                answer = self.reader.gets()
                if answer is _NOT_YET:
                    self.reader.feed(self._received())
                elif not isinstance(answer, PushNotification):
                    answers.append(answer)
            if self.reader.has_data():
                self._skip_pushes()
        except BaseException:
            self.disconnect()  # type: ignore[no-untyped-call]
            raise
        return answers

    def _skip_pushes(self) -> None:
        while (more := self.reader.gets()) is not _NOT_YET:
            if not isinstance(more, PushNotification):
                raise InvalidResponse("Redis has answered more than it was asked")

    @property
    def is_quiet(self) -> bool:
        """True where no input waits, not the end of the connection either."""
        return not (self.reader.has_data() or self.prompt.has_input())

    def _received(self) -> bytes:
        """Waits for bytes. Raises ConnectionResetError at the end of the connection."""
        data = self.prompt.receive()
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "Redis has closed the connection")
        return data


class DialledConnection(Connection):
    """redis-py's connection over TCP, with a limit to how long its host is looked up.

    Where there are sentinels, its host is the name by which they know the server.
    """

    def __init__(self, *, sentinels: Places = (), **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._sentinels = sentinels

    def _connect(self) -> socket.socket:
        """redis-py's place to make the socket. Raises OSError, RedisError."""
        seconds = self.socket_connect_timeout or LONGEST_DIAL_SECONDS
        host, port = self.host, self.port
        if self._sentinels:
            host, port = primary_of(host, self._sentinels, seconds)
        made = dial(host, port, seconds, redis_resolver())
        made.settimeout(self.socket_timeout)
        return made


class NonblockingTCPConnection(NonblockingConnection, DialledConnection):
    """A NonblockingConnection over TCP."""


class NonblockingUnixConnection(NonblockingConnection, UnixDomainSocketConnection):
    """Over a Unix socket."""


class TLSConnection(KeptConnection, SSLConnection, DialledConnection):
    """Over TLS, on redis-py's own socket, with one context for all connections unless the address has TLS options."""

    def __init__(self, *, tls_context: ssl.SSLContext | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._tls_context = tls_context

    def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
        """redis-py's place to shake hands."""
        if self._tls_context is not None:
            return self._tls_context.wrap_socket(sock, server_hostname=self.host)
        wrapped: ssl.SSLSocket = super()._wrap_socket_with_ssl(sock)  # type: ignore[no-untyped-call]
        return wrapped


#: By scheme of REDIS_URL.
CONNECTION_CLASSES: Final[Mapping[str, Any]] = {
    "redis": NonblockingTCPConnection,
    "rediss": TLSConnection,
    "unix": NonblockingUnixConnection,
}


def pool_options(
    url: str, *, timeout_seconds: float, most: int, ca_bundle: str = "", sentinels: Places = ()
) -> dict[str, Any]:
    """The options of a pool of connections to the Redis at `url`. Raises KeyError for an unknown scheme.

    `sentinels` know the host of `url` as the name of a primary. `ca_bundle` is the path of whose certificates are
    trusted, "" for the usual authorities. Raises OSError for one that cannot be read.
    """
    scheme = urlsplit(url).scheme
    return {
        "connection_class": CONNECTION_CLASSES[scheme],
        **(_tls_options(url, ca_bundle) if scheme == "rediss" else {}),
        **({"sentinels": sentinels} if sentinels and scheme != "unix" else {}),
        "protocol": PROTOCOL,
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "socket_read_size": TLS_BUFFER_BYTES if scheme == "rediss" else BUFFER_BYTES,
        "max_connections": most,
    }


def _tls_options(url: str, ca_bundle: str) -> dict[str, Any]:
    """TLS options in the address itself, such as a client's certificate, are redis-py's to follow."""
    if not any(name.startswith("ssl_") for name in parse_qs(urlsplit(url).query)):
        return {"tls_context": client_context(ca_bundle)}
    return {"ssl_ca_path" if Path(ca_bundle).is_dir() else "ssl_ca_certs": ca_bundle} if ca_bundle else {}
