"""An upstream made of a raw socket and a script: it answers, drips, hangs, lies or hangs up, byte by byte as told."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

#: What of a request's head arrives at once.
RECEIVE_BYTES = 65_536
ACCEPT_BACKLOG = 512
#: Connections that fill the queue of a socket that listens with a backlog of 0.
FILLERS = 4
LAST_CHUNK = b"\r\n0\r\n\r\n"
#: SO_LINGER with 0 seconds: closing sends a reset.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


class HungUpError(Exception):
    """The script ended the connection."""


class Wire:
    """The upstream's end of one connection."""

    def __init__(self, connection: socket.socket, is_over: threading.Event) -> None:
        self._connection = connection
        self._is_over = is_over

    def send(self, data: bytes) -> None:
        """Sends it all."""
        self._connection.sendall(data)

    def drip(self, data: bytes, *, seconds: float) -> None:
        """Sends a byte each so many seconds."""
        for each in data:
            self.send(bytes([each]))
            self.pause(seconds)

    def pause(self, seconds: float) -> None:
        """Does nothing for so long."""
        if self._is_over.wait(seconds):
            raise HungUpError

    def hang(self) -> None:
        """Says nothing until the client goes or the upstream hangs up."""
        with suppress(OSError):
            while self._connection.recv(RECEIVE_BYTES):
                pass
        raise HungUpError

    def close(self) -> None:
        """Ends the connection in good order."""
        raise HungUpError

    def reset(self) -> None:
        """Ends the connection with a reset."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        raise HungUpError


Script = Callable[[Wire, Asked], None]


class RawUpstream:
    """A server on a free port of this machine. `say` changes what it does from the next request on.

    `tls` is what it shakes hands with; its certificate is of localhost.
    """

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._open: set[socket.socket] = set()
        self._fillers: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.port = 0
        self.asked: list[Asked] = []
        self.connections = 0
        self.running = 0
        self.peak = 0
        self.listen()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}" if self._tls is None else f"https://localhost:{self.port}"

    @property
    def count(self) -> int:
        """How many requests came since the last `forget`."""
        with self._lock:
            return len(self.asked)

    def say(self, script: Script) -> None:
        """Changes what it does from now on."""
        self._script = script

    def forget(self) -> None:
        """Counts requests from zero."""
        with self._lock:
            self.asked.clear()
            self.peak = self.running

    def listen(self) -> None:
        """Takes connections, if it does not yet."""
        if self._fillers:
            self.refuse()
        if self._listener is None:
            self._listener = self._bound(ACCEPT_BACKLOG)
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """Refuses connections, and ends those there are."""
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.hang_up()

    def swallow(self) -> None:
        """Neither takes nor refuses connections, and ends those there are."""
        self.refuse()
        self._listener = self._bound(0)
        self._fillers = _fillers(self.port)

    def hang_up(self) -> None:
        """Ends the connections there are."""
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            with suppress(OSError):
                # Below TLS, whose own shutdown would meet the thread that reads.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def _bound(self, backlog: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", self.port), backlog=backlog)
        self.port = listener.getsockname()[1]
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while not self._is_over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()
                return
        with self._lock:
            self._open.add(connection)
        try:
            self._converse(connection, number)
        finally:
            with self._lock:
                self._open.discard(connection)

    def _converse(self, connection: socket.socket, number: int) -> None:
        wire = Wire(connection, self._is_over)
        with suppress(OSError, HungUpError), connection:
            for asked in _requests(connection, number):
                with self._lock:
                    self.asked.append(asked)
                    self.running += 1
                    self.peak = max(self.peak, self.running)
                try:
                    self._script(wire, asked)
                finally:
                    with self._lock:
                        self.running -= 1

    def close(self) -> None:
        """Ends it, with whatever hangs."""
        self._is_over.set()
        self.refuse()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _requests(connection: socket.socket, number: int) -> Iterator[Asked]:
    buffered = bytearray()
    while True:
        while b"\r\n\r\n" not in buffered:
            data = connection.recv(RECEIVE_BYTES)
            if not data:
                return
            buffered += data
        head, _, buffered = buffered.partition(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(buffered) < length:
            buffered += _received(connection)
        if headers.get("transfer-encoding") == "chunked":
            while not buffered.endswith(LAST_CHUNK):
                buffered += _received(connection)
            length = len(buffered)
        body, buffered = bytes(buffered[:length]), buffered[length:]
        method, target, _ = start.split(" ")
        yield Asked(method, target, headers, body, number)


def _received(connection: socket.socket) -> bytes:
    """The next bytes of a body. Raises HungUpError where there are none."""
    data = connection.recv(RECEIVE_BYTES)
    if not data:
        raise HungUpError
    return data


def answer(body: bytes = b"{}", *, status: str = "200 OK", headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """An answer's bytes with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def says(data: bytes) -> Script:
    """Sends these bytes, and goes on with the connection."""
    return lambda wire, _: wire.send(data)


def says_json(value: Any, *, after_seconds: float = 0.0) -> Script:
    """Answers with JSON, after a while."""
    data = answer(json.dumps(value).encode())

    def script(wire: Wire, _: Asked) -> None:
        if after_seconds:
            wire.pause(after_seconds)
        wire.send(data)

    return script


def hangs(wire: Wire, _: Asked) -> None:
    """Never answers."""
    wire.hang()


def closes(wire: Wire, _: Asked) -> None:
    """Ends the connection without an answer."""
    wire.close()


def resets(wire: Wire, _: Asked) -> None:
    """Resets the connection without an answer."""
    wire.reset()


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port where connections are refused: bound, not listening."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextmanager
def black_hole() -> Iterator[int]:
    """A port where connections are neither taken nor refused: nobody accepts, and the queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = _fillers(port)
        try:
            yield port
        finally:
            for filler in fillers:
                filler.close()


def _fillers(port: int) -> list[socket.socket]:
    """Connections that wait to be accepted, so that a queue of 0 is full."""
    fillers = [socket.socket() for _ in range(FILLERS)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
    return fillers


def closes_after(data: bytes) -> Script:
    """Says it and closes the connection."""

    def script(wire: Wire, _: Asked) -> None:
        wire.send(data)
        wire.close()

    return script
