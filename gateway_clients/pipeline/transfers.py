"""The pipeline for streams: breaker, a bulkhead of their own, transport; never the cache, never a retry."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeVar

from django.core.signals import setting_changed

from gateway_clients.conf import SERVICES
from gateway_clients.errors import (
    DeadlineExceededError,
    UpstreamContractError,
)
from gateway_clients.instrumentation.tally import tally
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.call_report import report_drift, report_end
from gateway_clients.pipeline.origin import RequestOrigin, upstream_request
from gateway_clients.pipeline.response import parse_response, refusal
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience.breaker import Permit
from gateway_clients.resilience.bulkhead import Bulkhead
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.runtime.singletons import process_singleton
from gateway_clients.transport.messages import UpstreamResponse
from gateway_clients.transport.streams import Stream

P = TypeVar("P")

#: Streams in flight to one upstream.
STREAM_LIMIT: Final = 4
#: So many bytes of a download are checked before any is handed out: a file that is no longer is known to be whole.
HELD_BYTES: Final = 65_536
#: How far from the beginning a file's magic bytes may stand; readers of PDFs look as far.
MAGIC_BYTES: Final = 1_024
LOOK_SECONDS: Final = 0.5
ANY_TYPE: Final = "application/octet-stream"


@process_singleton
def stream_bulkhead(name: str) -> Bulkhead:
    """Returns the bulkhead for streams of an upstream."""
    return Bulkhead(name, STREAM_LIMIT)


class _Passage:
    """One stream under way: it takes a permit and a place, and gives both back once, at its end."""

    def __init__(self, call: Call[Any], deadline: Deadline) -> None:
        if call.service not in SERVICES:
            raise KeyError(call.service)
        self._call = call
        self._deadline = deadline
        self._began_at = time.monotonic()
        self._portals_seconds = 0.0
        self._permit: Permit = upstream(call.service).breaker.admit()
        self._held = ExitStack()
        self._waiting_seconds = 0.0
        try:
            self._held.enter_context(stream_bulkhead(call.service).place())
        except BaseException:
            self._permit.ignored()
            raise

    def hold(self, stream: Stream) -> None:
        """Takes the stream, which `end` closes."""
        self._held.callback(stream.close)

    def waited(self, seconds: float) -> None:
        """Records how long the upstream took to answer; the time that the bytes take depends on the portal too."""
        self._waiting_seconds = seconds

    def waited_for_portal(self, seconds: float) -> None:
        """Records how long the portal took to send a piece, or to take one."""
        self._portals_seconds += seconds

    @property
    def _is_portals_fault(self) -> bool:
        """Whether the time is over and the portal used up most of it: it says nothing of the upstream."""
        return self._deadline.has_passed and self._portals_seconds > (time.monotonic() - self._began_at) / 2

    def end(self, error: BaseException | None = None) -> None:
        """Ends the stream; further calls do nothing."""
        permit, self._permit = self._permit, None  # type: ignore[assignment]  # given back once
        if permit is None:
            return
        self._held.close()
        report_end(self._call, permit, error, self._waiting_seconds, was_cut_short=self._is_portals_fault)
        direction = "down" if self._call.is_repeatable else "up"
        tally().add(f"stream|{direction}|{'ok' if error is None else getattr(error, 'code', 'cut_off')}")


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

    def __init__(self, service: str, passage: _Passage, stream: Stream, promised: Promised) -> None:
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


def download(call: Call[Any], origin: RequestOrigin, deadline: Deadline, promised: Promised) -> Download:
    """Starts a download and waits until its first bytes are checked. Raises the subclasses of UpstreamError."""
    passage = _Passage(call, deadline)
    try:
        stream = _opened(passage, call, origin, deadline, None)
        _require_ok(call, stream)
        content = Download(call.service, passage, stream, promised)
        content.look()
    except BaseException as error:
        passage.end(error)
        raise
    return content


def upload(call: Call[P], pieces: Iterable[bytes], origin: RequestOrigin, deadline: Deadline) -> P:
    """Sends bytes as they come and returns the answer's payload.

    Raises the subclasses of UpstreamError, and what iterating the pieces raises.
    """
    passage = _Passage(call, deadline)
    try:
        answer = _small(_opened(passage, call, origin, deadline, pieces), call)
        parsed = parse_response(call, answer, deadline)
    except BaseException as error:
        passage.end(error)
        raise
    passage.end()
    report_drift(call, parsed)
    return parsed.value


def _opened(
    passage: _Passage, call: Call[Any], origin: RequestOrigin, deadline: Deadline, pieces: Iterable[bytes] | None
) -> Stream:
    target = upstream(call.service)
    if deadline.has_passed:
        raise DeadlineExceededError(call.service)
    waiting_since = time.monotonic()

    def given() -> Iterator[bytes]:
        nonlocal waiting_since
        asked_at = time.monotonic()
        for piece in pieces or ():
            passage.waited_for_portal(time.monotonic() - asked_at)
            yield piece
            asked_at = time.monotonic()
        waiting_since = time.monotonic()

    try:
        stream = target.client.open(
            upstream_request(call, origin, target.conf, deadline), deadline, None if pieces is None else given()
        )
    finally:
        passage.waited(time.monotonic() - waiting_since)
    passage.hold(stream)
    return stream


def _require_ok(call: Call[Any], stream: Stream) -> None:
    if stream.status != HTTPStatus.OK:
        raise refusal(call, _small(stream, call))


def _small(stream: Stream, call: Call[Any]) -> UpstreamResponse:
    return stream.whole(max_bytes=upstream(call.service).conf.max_bytes)


def forget(**_: object) -> None:
    """Start anew with other settings; for tests."""
    stream_bulkhead.cache_clear()


setting_changed.connect(forget)
