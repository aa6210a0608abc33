"""An answer put together from the pieces in which it arrives, by httptools (llhttp), with caps."""

from typing import Final

import httptools

from gateway_clients.transport.messages import AnswerTooLargeError

HEAD_MAX_BYTES: Final = 65_536
#: How many bytes of framing and body may arrive for each byte that a body may have: chunks of one byte are six.
WIRE_FACTOR: Final = 8
FIRST_FINAL_STATUS: Final = 200


class AnswerReader:
    """Feeds the parser and keeps what it finds."""

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._wire_left = HEAD_MAX_BYTES + WIRE_FACTOR * max_bytes
        self._parser = httptools.HttpResponseParser(self)
        self._head_bytes = 0
        self._body_bytes = 0
        self._has_head = False
        self._pieces: list[bytes] = []
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_complete = False
        self.may_keep_line = False
        self.has_begun = False

    def feed(self, data: bytes) -> None:
        """Takes the next bytes. Raises AnswerTooLargeError, httptools.HttpParserError, httptools.HttpParserUpgrade."""
        self.has_begun = True
        self._wire_left -= len(data)
        if self._wire_left < 0:
            raise AnswerTooLargeError
        self._parser.feed_data(data)
        if not self._has_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_MAX_BYTES:
                raise AnswerTooLargeError

    def end(self) -> bool:
        """The connection ended; whether the answer is whole: where nothing else told its end, this does."""
        tells_its_end = "content-length" in self.headers or "transfer-encoding" in self.headers
        self.is_complete = self.is_complete or (self._has_head and not tells_its_end)
        return self.is_complete

    @property
    def body(self) -> bytes:
        """The body as it came, still encoded."""
        return b"".join(self._pieces)

    def on_message_begin(self) -> None:
        """httptools' call at the begin of an answer; a second one was not asked for."""
        if self.is_complete:
            self.may_keep_line = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools' call for each header; trailers come behind the head and are dropped."""
        if not self._has_head:
            self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """httptools' call behind the last header; those of an interim answer (1xx) are dropped."""
        if self.is_complete:
            return
        self.status = self._parser.get_status_code()
        self._has_head = self.status >= FIRST_FINAL_STATUS
        if not self._has_head:
            self.headers = {}

    def on_body(self, piece: bytes) -> None:
        """httptools' call for each piece of the body."""
        self._body_bytes += len(piece)
        if self._body_bytes > self._max_bytes:
            raise AnswerTooLargeError
        if not self.is_complete:
            self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """httptools' call at the end of an answer, also of an interim one."""
        if self._has_head and not self.is_complete:
            self.is_complete = True
            self.may_keep_line = self._parser.should_keep_alive()
