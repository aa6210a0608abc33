"""Answers that are too large to hold: bytes are passed on as they come, each step with a timeout of its own.

A stream has a connection to itself, made for it and closed after it.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

import requests

from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.deadline_socket import DeadlineSocket, request_progress
from gateway_clients.transport.exceptions import FOREIGN, map_exception
from gateway_clients.transport.messages import UNENCODED, AnswerTooLargeError, UpstreamResponse, inflater_of
from gateway_clients.transport.multiplexed.response_parser import WIRE_FACTOR

PIECE_BYTES: Final = 65_536
#: Seconds that each step of a stream may take, and the answer once the whole body was sent.
STALL_SECONDS: Final = 10.0


class Stream:
    """An answer whose head has arrived and whose body arrives as it is read. The caller closes it.

    `paced` is its DeadlineSocket; None under a foreign adapter.
    """

    def __init__(
        self, service: str, response: requests.Response, paced: DeadlineSocket | None, deadline: Deadline
    ) -> None:
        self.status = response.status_code
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self._service = service
        self._raw: Any = response.raw
        self._paced = paced
        self._deadline = deadline
        self._has_begun = False
        self._inflater: Any = None

    @property
    def is_encoded(self) -> bool:
        """Whether the bytes have a content encoding, so that their length is not the content's."""
        return self.headers.get("content-encoding", "").strip().lower() not in UNENCODED

    def read(self) -> bytes:
        """Returns the next bytes, decoded; b"" at the end. Raises the subclasses of UpstreamUnavailableError."""
        try:
            return self._unpacked() if self.is_encoded else self._next()
        except FOREIGN as error:
            raise map_exception(self._service, error, was_sent=True) from error

    def _next(self) -> bytes:
        if self._paced is not None:
            self._paced.pace(min(STALL_SECONDS, self._deadline.remaining_seconds))
            self._paced.allow(WIRE_FACTOR * PIECE_BYTES)
        piece: bytes = self._raw.read1(PIECE_BYTES, decode_content=False)
        self._has_begun = self._has_begun or bool(piece)
        return piece

    def _unpacked(self) -> bytes:
        if self._inflater is None:
            self._inflater = inflater_of(self.headers["content-encoding"])
        while True:
            packed = self._inflater.unconsumed_tail or self._next()
            piece: bytes = self._inflater.decompress(packed, PIECE_BYTES)
            if piece:
                return piece
            if self._inflater.unused_data or not (packed or self._inflater.eof or not self._has_begun):
                raise zlib.error("truncated")
            if not packed:
                return b""

    def whole(self, *, max_bytes: int) -> UpstreamResponse:
        """Reads a small answer whole. Raises the subclasses of UpstreamUnavailableError."""
        body = bytearray()
        while piece := self.read():
            body += piece
            if len(body) > max_bytes:
                raise map_exception(self._service, AnswerTooLargeError(), was_sent=True)
        return UpstreamResponse(self.status, self.headers, bytes(body))

    def close(self) -> None:
        """Closes the connection; the rest of the body is not read."""
        self._raw.close()


def on_the_clock(pieces: Iterable[bytes], deadline: Deadline) -> Iterator[bytes]:
    """Yields the pieces. Sending each has a timeout, as has the answer after the last; waiting for one has none."""
    for piece in pieces:
        _pace(deadline)
        yield piece
    _pace(deadline)


def _pace(deadline: Deadline) -> None:
    if request_progress.socket is not None:
        request_progress.socket.pace(min(STALL_SECONDS, deadline.remaining_seconds))
