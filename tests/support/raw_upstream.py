"""An upstream as a listening socket whose every byte a test decides."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from bff_project.processes.ports import LOOPBACK

#: SO_LINGER with 0 seconds: closing sends a reset.
RESET: Final = struct.pack("ii", 1, 0)
ACCEPT_BACKLOG: Final = 512


@dataclass(eq=False, slots=True)
class Talk:
    """One request, and the connection to answer it on."""

    connection: socket.socket
    method: str
    target: str
    headers: dict[str, str]
    number: int
    is_over: bool = False

    def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self.connection.sendall(data)

    def hang(self) -> None:
        """Says nothing until the client goes."""
        with suppress(OSError):
            while self.connection.recv(65_536):
                pass
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self.is_over = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def reset(self) -> None:
        """Ends it with a reset."""
        self.is_over = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.connection.close()


Behaviour = Callable[[Talk], None]


@dataclass(eq=False)
class RawUpstream:
    """Listens on a port of its own; `behave` answers each request, and may be changed at any time."""

    behave: Behaviour
    requests: list[Talk] = field(default_factory=list)
    peak_in_flight: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight = 0
        self._connections: set[socket.socket] = set()
        self._stuffing: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.port = 0
        self.listen()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def count(self) -> int:
        """How many requests came since the last `reset`."""
        with self._lock:
            return len(self.requests)

    def reset(self) -> None:
        """Counts from zero."""
        with self._lock:
            self.requests.clear()
            self.peak_in_flight = self._in_flight

    def listen(self) -> None:
        """Takes connections, if it does not yet."""
        if self._stuffing:
            self.refuse()
        if self._listener is None:
            self._listener = self._bound(ACCEPT_BACKLOG)
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """Refuses connections, and ends those there are."""
        for stuffing in self._stuffing:
            stuffing.close()
        self._stuffing.clear()
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.hang_up()

    def swallow(self) -> None:
        """A black hole: what is sent to connect is dropped, since the queue of those waiting to be accepted is full."""
        self.refuse()
        self._listener = self._bound(0)
        for _ in range(4):
            stuffing = socket.socket()
            stuffing.setblocking(False)
            stuffing.connect_ex((LOOPBACK, self.port))
            self._stuffing.append(stuffing)

    def hang_up(self) -> None:
        """Ends the connections there are."""
        with self._lock:
            connections, self._connections = self._connections, set()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _bound(self, backlog: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, self.port))
        listener.listen(backlog)
        self.port = listener.getsockname()[1]
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with suppress(OSError):
            number = 0
            while (request := _read_request(connection)) is not None:
                talk = Talk(connection, *request, number)
                number += 1
                with self._lock:
                    self.requests.append(talk)
                    self._in_flight += 1
                    self.peak_in_flight = max(self.peak_in_flight, self._in_flight)
                try:
                    self.behave(talk)
                finally:
                    with self._lock:
                        self._in_flight -= 1
                if talk.is_over:
                    break
        with self._lock:
            self._connections.discard(connection)
        connection.close()


def _read_request(connection: socket.socket) -> tuple[str, str, dict[str, str]] | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    left = int(headers.get("content-length", "0")) - len(body)
    while left > 0:
        piece = connection.recv(min(left, 65_536))
        if not piece:
            return None
        left -= len(piece)
    return method, target, headers
