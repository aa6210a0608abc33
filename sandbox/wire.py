"""Speaks HTTP/1.1 on one connection: requests in, one after the other, and whatever is to be written out."""

import asyncio
import logging
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, cast

import httptools

from sandbox.messages import Answer, Request, problem

logger = logging.getLogger(__name__)

MOST_BODY_BYTES: Final = 110_000_000
PIECE_BYTES: Final = 65_536

Serve = Callable[[Request, "Connection"], Awaitable[None]]


class Connection(asyncio.Protocol):
    """One client's connection. Requests are served in order; a request goes on when its client has gone."""

    def __init__(self, serve: Serve, tasks: set[asyncio.Task[None]], connections: set["Connection"]) -> None:
        self._serve, self._tasks, self._connections = serve, tasks, connections
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self._is_serving = False
        self._is_writable = asyncio.Event()
        self._is_writable.set()
        self._transport: asyncio.Transport | None = None
        self.closed = asyncio.Event()
        self.keeps_alive = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._connections.discard(self)
        self.closed.set()
        self._is_writable.set()

    def pause_writing(self) -> None:
        self._is_writable.clear()

    def resume_writing(self) -> None:
        self._is_writable.set()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(400, "this is not a request")

    # What the parser calls

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue":
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, piece: bytes) -> None:
        self._body_bytes += len(piece)
        if self._body_bytes > MOST_BODY_BYTES:
            self._refuse(413, "too large a request")
        else:
            self._body.append(piece)

    def on_message_complete(self) -> None:
        path, _, query = self._url.decode("latin-1").partition("?")
        method = self._parser.get_method().decode("ascii")
        self.keeps_alive = self._parser.should_keep_alive() and method != "HEAD"
        body = b"".join(self._body)
        self._waiting.append(Request(method=method, path=path, query=query, headers=self._headers, body=body))
        if not self._is_serving:
            self._is_serving = True
            task = asyncio.get_running_loop().create_task(self._serve_waiting())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    # What may be written

    async def send(self, answer: Answer) -> None:
        """Sends a whole answer; closes when the client doesn't keep the connection."""
        await self.write_all(head_of(answer, keeps_alive=self.keeps_alive) + answer.body, answer.padding_bytes)
        if not self.keeps_alive:
            self.close()

    async def write_all(self, data: bytes, padding_bytes: int = 0) -> None:
        """Writes as fast as the client reads: the data, then that many spaces."""
        view = memoryview(data)
        for start in range(0, len(view), PIECE_BYTES):
            self.write(view[start : start + PIECE_BYTES])
            await self._is_writable.wait()
        while padding_bytes > 0 and not self.closed.is_set():
            self.write(b" " * min(padding_bytes, PIECE_BYTES))
            padding_bytes -= PIECE_BYTES
            await self._is_writable.wait()

    def write(self, data: bytes | memoryview) -> None:
        """Writes, unless the client has gone."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Closes after what was written."""
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """Drops the connection with a TCP reset."""
        if self._transport is not None:
            raw: socket.socket = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()

    def abort(self) -> None:
        """Drops the connection."""
        if self._transport is not None:
            self._transport.abort()

    async def _serve_waiting(self) -> None:
        try:
            while self._waiting:
                await self._serve(self._waiting.popleft(), self)
        except Exception:
            logger.exception("The sandbox failed on a request")
            self.abort()
        finally:
            self._is_serving = False

    def _refuse(self, status: int, detail: str) -> None:
        answer = problem(status, detail)
        self.write(head_of(answer, keeps_alive=False) + answer.body)
        self.close()


def head_of(answer: Answer, *, keeps_alive: bool, framing: str = "") -> bytes:
    """The status line and the headers. `framing` replaces Content-Length."""
    lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"]
    if answer.content_type is not None:
        lines.append(f"Content-Type: {answer.content_type}")
    lines += [f"{name}: {value}" for name, value in answer.headers]
    lines.append(framing or f"Content-Length: {len(answer.body) + answer.padding_bytes}")
    lines.append(f"Connection: {'keep-alive' if keeps_alive else 'close'}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
