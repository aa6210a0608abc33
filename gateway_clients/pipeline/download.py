"""A file that an upstream sends, checked against its record while it is passed on."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from gateway_clients.errors import UpstreamContractError
from gateway_clients.pipeline.stream_passage import Passage
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.streams import Stream

#: So many bytes of a download are checked before any is handed out: a file that is no longer is known to be whole.
HELD_BYTES: Final = 65_536
#: How far from the beginning a file's magic bytes may stand; readers of PDFs look as far.
MAGIC_BYTES: Final = 1_024
LOOK_SECONDS: Final = 0.5
ANY_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """What a document's record says of its bytes.

    `magic` stands within the first kilobyte; it is empty where it is not known.
    """

    size_bytes: int
    content_type: str
    magic: bytes = b""


class Incoming(Protocol):
    """The bytes of an answer as they come; iterating raises unless there are exactly `size_bytes`.

    The receiver closes them; a WSGI server does so with what it sends.
    """

    @property
    def size_bytes(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...
    def close(self) -> None: ...


class Download:
    """The bytes that one upstream sends, checked against what was promised."""

    def __init__(self, service: str, passage: Passage, stream: Stream, promised: Promised) -> None:
        self._service = service
        self._passage = passage
        self._stream = stream
        self._promised = promised
        self._received_bytes = 0
        self._held: deque[bytes] = deque()
        self._has_ended = False
        self._handed_out_at: float | None = None

    @property
    def size_bytes(self) -> int:
        """The number of bytes in all."""
        return self._promised.size_bytes

    def look(self) -> None:
        """Checks the head and the first bytes, which are the whole of a small file.

        Waits for a slow file no longer than `LOOK_SECONDS` once its beginning is there. Raises the subclasses of
        UpstreamUnavailableError.
        """
        told_type = self._stream.headers.get("content-type", "").partition(";")[0].strip().lower()
        if told_type not in {"", ANY_TYPE, self._promised.content_type.partition(";")[0].strip().lower()}:
            raise UpstreamContractError(self._service, was_sent=True)
        told_length = self._stream.headers.get("content-length", str(self.size_bytes)).strip()
        if not self._stream.is_encoded and told_length != str(self.size_bytes):
            raise UpstreamContractError(self._service, was_sent=True)
        look_until = Deadline.after(LOOK_SECONDS)
        beginning = b""
        while self._received_bytes < HELD_BYTES and (piece := self._next()):
            self._held.append(piece)
            beginning = (beginning + piece)[:MAGIC_BYTES]
            if look_until.has_passed and len(beginning) == MAGIC_BYTES:
                break
        if self._promised.magic not in beginning:
            raise UpstreamContractError(self._service, was_sent=True)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """Returns the next bytes. Raises the subclasses of UpstreamUnavailableError."""
        if self._handed_out_at is not None:
            self._passage.waited_for_portal(time.monotonic() - self._handed_out_at)
        piece = self._held.popleft() if self._held else self._taken()
        self._handed_out_at = time.monotonic()
        return piece

    def _taken(self) -> bytes:
        try:
            piece = b"" if self._has_ended else self._next()
        except BaseException as error:
            self._passage.end(error)
            raise
        if not piece:
            self._passage.end()
            raise StopIteration
        return piece

    def _next(self) -> bytes:
        piece = self._stream.read()
        self._has_ended = not piece
        self._received_bytes += len(piece)
        if self._received_bytes > self.size_bytes or (self._has_ended and self._received_bytes < self.size_bytes):
            raise UpstreamContractError(self._service, was_sent=True)
        return piece

    def close(self) -> None:
        """Ends the stream without reading the rest."""
        self._passage.end()
