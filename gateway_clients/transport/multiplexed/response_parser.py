"""An answer put together from the pieces in which it arrives, by httptools (llhttp), with caps."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import httptools

from gateway_clients.transport.messages import AnswerTooLargeError, refuse_announced

HEAD_MAX_BYTES: Final = 65_536
#: As many headers as http.client reads, on which urllib3's connections are built.
MOST_HEADERS: Final = 99
#: How many bytes of framing and body may arrive for each byte that a body may have: chunks of one byte are six.
WIRE_FACTOR: Final = 8
#: Pieces of a body that are held one by one; more are joined, for a piece of two bytes takes sixty.
MOST_PIECES: Final = 1_024
FIRST_FINAL_STATUS: Final = 200
CONTENT_ENCODING: Final = "content-encoding"
_CONTENT_ENCODING_LENGTH: Final = len(CONTENT_ENCODING)
_CONTENT_LENGTH: Final = b"content-length"
_CONTENT_LENGTH_LENGTH: Final = len(_CONTENT_LENGTH)


class ReceivedHeaders(Mapping[str, str]):
    """Headers as raw bytes, decoded at the first access: those of most answers are never accessed."""

    __slots__ = ("_by_name", "_came")

    def __init__(self, came: list[tuple[bytes, bytes]]) -> None:
        self._came = came
        self._by_name: dict[str, str] | None = None

    def _read(self) -> dict[str, str]:
        if self._by_name is None:
            self._by_name = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._came}
        return self._by_name

    def __getitem__(self, name: str) -> str:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


class ResponseParser:
    """Feeds the parser and collects the head and the body."""

    __slots__ = (
        "_body_bytes",
        "_came",
        "_framing_bytes",
        "_has_head",
        "_is_encoded",
        "_joined",
        "_max_bytes",
        "_parser",
        "_pieces",
        "_wire_left",
        "has_begun",
        "is_complete",
        "may_keep_connection",
        "status",
    )

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._wire_left = HEAD_MAX_BYTES + WIRE_FACTOR * max_bytes
        self._parser: Any = httptools.HttpResponseParser(self)
        self._framing_bytes = 0
        self._body_bytes = 0
        self._has_head = False
        self._joined = bytearray()
        self._pieces: list[bytes] = []
        self._came: list[tuple[bytes, bytes]] = []
        self._is_encoded = False
        self.status = 0
        self.is_complete = False
        self.may_keep_connection = False
        self.has_begun = False

    def feed(self, data: bytes) -> None:
        """Takes the next bytes. Raises AnswerTooLargeError, httptools.HttpParserError, httptools.HttpParserUpgrade."""
        self.has_begun = True
        self._wire_left -= len(data)
        if self._wire_left < 0:
            raise AnswerTooLargeError
        has_head, body_bytes = self._has_head, self._body_bytes
        self._parser.feed_data(data)
        if self._body_bytes > body_bytes or self._has_head is not has_head:
            self._framing_bytes = 0
            return
        # httptools copies a header, or a trailer, with each piece of it that arrives.
        self._framing_bytes += len(data)
        if self._framing_bytes > HEAD_MAX_BYTES:
            raise AnswerTooLargeError

    def end(self) -> bool:
        """Takes the end of the connection; returns whether the answer is whole, which it is if only that ends it."""
        headers = self.headers
        tells_its_end = "content-length" in headers or "transfer-encoding" in headers
        self.is_complete = self.is_complete or (self._has_head and not tells_its_end)
        return self.is_complete

    def close(self) -> None:
        """Drops the parser, which refers back to this object, so that neither is left for the garbage collector."""
        self._parser = None

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, names in lower case."""
        return ReceivedHeaders(self._came)

    @property
    def encoding(self) -> str | None:
        """The body's content encoding, where it says one."""
        return self.headers[CONTENT_ENCODING] if self._is_encoded else None

    @property
    def body(self) -> bytes:
        """The body, still encoded."""
        return bytes(self._joined) + b"".join(self._pieces) if self._joined else b"".join(self._pieces)

    def on_message_begin(self) -> None:
        """httptools' call at the begin of an answer; a second one was not asked for."""
        if self.is_complete:
            self.may_keep_connection = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools' call for each header; trailers come behind the head and are dropped."""
        if not self._has_head:
            if len(self._came) == MOST_HEADERS:
                raise AnswerTooLargeError
            self._came.append((name, value))
            length = len(name)
            if length == _CONTENT_ENCODING_LENGTH and name.lower() == CONTENT_ENCODING.encode():
                self._is_encoded = True
            elif length == _CONTENT_LENGTH_LENGTH and name.lower() == _CONTENT_LENGTH:
                refuse_announced(value, self._max_bytes)

    def on_headers_complete(self) -> None:
        """httptools' call behind the last header; those of an interim answer (1xx) are dropped."""
        if self.is_complete:
            return
        self.status = self._parser.get_status_code()
        self._has_head = self.status >= FIRST_FINAL_STATUS
        if not self._has_head:
            self._came = []
            self._is_encoded = False

    def on_body(self, piece: bytes) -> None:
        """httptools' call for each piece of the body."""
        self._body_bytes += len(piece)
        if self._body_bytes > self._max_bytes:
            raise AnswerTooLargeError
        if not self.is_complete:
            self._pieces.append(piece)
            if len(self._pieces) == MOST_PIECES:
                self._joined += b"".join(self._pieces)
                self._pieces.clear()

    def on_message_complete(self) -> None:
        """httptools' call at the end of an answer, also of an interim one."""
        if self._has_head and not self.is_complete:
            self.is_complete = True
            self.may_keep_connection = self._parser.should_keep_alive()
