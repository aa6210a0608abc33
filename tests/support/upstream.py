"""An upstream made of a raw socket and a script: it answers, drips, hangs, lies or hangs up, byte by byte as told."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

#: What of a request's head arrives at once, and how much a script waits at most in a test.
RECEIVE_BYTES = 65_536
LONGEST_HANG_SECONDS = 30.0
LAST_CHUNK = b"\r\n0\r\n\r\n"
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
        """Does nothing any more."""
        self.pause(LONGEST_HANG_SECONDS)

    def close(self) -> None:
        """Ends the connection in good order."""
        raise HungUpError

    def reset(self) -> None:
        """Ends the connection with a reset."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        raise HungUpError


Script = Callable[[Wire, Asked], None]


class RawUpstream:
    """A server on a free port of this machine. `say` changes what it does from the next request on."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port: int = self._listener.getsockname()[1]
        self.asked: list[Asked] = []
        self.connections = 0
        self.running = 0
        self.peak = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def say(self, script: Script) -> None:
        """What it does from now on."""
        self._script = script

    def _accept(self) -> None:
        while not self._is_over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _requests(connection: socket.socket, number: int) -> Iterator[Asked]:
    buffered = b""
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
            buffered += connection.recv(RECEIVE_BYTES)
        if headers.get("transfer-encoding") == "chunked":
            while not buffered.endswith(LAST_CHUNK):
                buffered += connection.recv(RECEIVE_BYTES)
            length = len(buffered)
        body, buffered = buffered[:length], buffered[length:]
        method, target, _ = start.split(" ")
        yield Asked(method, target, headers, body, number)


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
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            yield port
        finally:
            for filler in fillers:
                filler.close()


def closes_after(data: bytes) -> Script:
    """Says it and closes the connection."""

    def script(wire: Wire, _: Asked) -> None:
        wire.send(data)
        wire.close()

    return script
