"""The pipeline for streams: breaker, a bulkhead of their own, transport; never the cache, never a retry."""

import time
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, TypeVar

from gateway_clients.errors import DeadlineExceededError
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.call_report import report_drift
from gateway_clients.pipeline.download import Download, Promised
from gateway_clients.pipeline.origin import RequestOrigin, upstream_request
from gateway_clients.pipeline.response import parse_response, refusal
from gateway_clients.pipeline.stream_passage import Passage
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import UpstreamResponse
from gateway_clients.transport.streams import Stream

P = TypeVar("P")


def download(call: Call[Any], origin: RequestOrigin, deadline: Deadline, promised: Promised) -> Download:
    """Starts a download and waits until its first bytes are checked. Raises the subclasses of UpstreamError."""
    passage = Passage(call, deadline)
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
    passage = Passage(call, deadline)
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
    passage: Passage, call: Call[Any], origin: RequestOrigin, deadline: Deadline, pieces: Iterable[bytes] | None
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
