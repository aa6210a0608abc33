"""Spans are made after the answer and sent in batches; what cannot be sent is dropped, counted, and told once."""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from pytest_django import Settings
from structlog.testing import capture_logs

from gateway_clients.errors import UpstreamTimeoutError
from gateway_clients.instrumentation.request_span import RedisTrip, RequestSpan
from gateway_clients.instrumentation.tally import tally
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.trace import RequestTrace, Step
from gateway_clients.tracing import sender as sender_module
from gateway_clients.tracing.finished_request import FinishedRequest
from gateway_clients.tracing.otel_spans import SpanMaker
from gateway_clients.tracing.sender import DROPPED, SENT, SpanSender, sampler
from gateway_clients.tracing.span_tree import spans_of
from tests.support.calls import at_once, call_of

TRACE, SPAN, PARENT = "a1" * 16, "b2" * 8, "c3" * 8


class Exporter(SpanExporter):
    """Keeps what it gets, while it is there."""

    def __init__(self) -> None:
        self.is_there = True
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if not self.is_there:
            return SpanExportResult.FAILURE
        self.spans += spans
        return SpanExportResult.SUCCESS


@pytest.fixture
def exporter() -> Exporter:
    return Exporter()


@pytest.fixture
def sender(exporter: Exporter) -> SpanSender:
    tally().take()
    return SpanSender(exporter, sampler(), Resource({"service.name": "test"}), delay_seconds=60)


def finished(**more: Any) -> FinishedRequest:
    now = time.monotonic()
    given = {"method": "GET", "route": "/x", "status": 200, "began_at": now - 0.5, "ended_at": now}
    span = RequestSpan(trace_id=TRACE, span_id=SPAN, parent_id=PARENT)
    return FinishedRequest(**{"span": span, **given, **more})


def spans_counted() -> dict[str, int]:
    return {name: count for name, count in tally().take().items() if name.startswith("spans|")}


def test_a_span_is_sent_under_the_ids_and_with_the_times_that_it_had(sender: SpanSender, exporter: Exporter) -> None:
    sender.take(finished(status=503))
    sender.make_spans()
    sender.send()

    (span,) = exporter.spans
    assert (f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}") == (TRACE, SPAN)
    assert span.parent is not None
    assert (f"{span.parent.span_id:016x}", span.parent.is_remote) == (PARENT, True)
    assert span.name == "GET /x"
    assert span.status.is_ok is False
    assert span.attributes is not None
    assert (span.attributes["error.type"], span.attributes["gateway.outcome"]) == ("503", "failed")
    assert span.start_time is not None
    assert span.end_time is not None
    assert round((span.end_time - span.start_time) / 1e9, 3) == 0.5
    assert abs(span.end_time / 1e9 - time.time()) < 5
    assert spans_counted() == {SENT: 1}


def test_spans_that_the_collector_does_not_take_are_dropped_and_told_once(
    sender: SpanSender, exporter: Exporter
) -> None:
    exporter.is_there = False
    with capture_logs() as lines:
        for _ in range(2):
            sender.take(finished())
            sender.make_spans()
            sender.send()
        exporter.is_there = True
        sender.take(finished())
        sender.make_spans()
        sender.send()

    assert [line["event"] for line in lines] == ["traces.not_sent", "traces.sent_again"]
    assert spans_counted() == {DROPPED: 2, SENT: 1}
    assert len(exporter.spans) == 1


def test_requests_and_spans_beyond_what_may_wait_are_dropped(
    sender: SpanSender, exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "MOST_REQUESTS", 3)
    monkeypatch.setattr(sender_module, "MOST_SPANS", 2)
    for _ in range(4):
        sender.take(finished())
    sender.make_spans()
    sender.send()

    assert len(exporter.spans) == 2
    assert spans_counted() == {DROPPED: 2, SENT: 2}


def test_one_thread_at_a_time_makes_spans_also_at_the_end(
    sender: SpanSender, exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, are_two = SpanMaker.made, threading.Barrier(2)

    def met(*given: Any) -> list[ReadableSpan]:
        with suppress(threading.BrokenBarrierError):
            are_two.wait(0.5)
        return made(*given)

    monkeypatch.setattr(SpanMaker, "made", met)
    sender.take(finished())
    sender.take(finished())
    for each in at_once(2, lambda: [sender.make_spans()]):
        each.wait()
    sender.send()

    assert are_two.broken
    assert len(exporter.spans) == 2


def test_a_trip_to_redis_that_failed_is_a_span_that_failed() -> None:
    span = RequestSpan(trace_id=TRACE, span_id=SPAN, trips=[RedisTrip(1.0, 1.1, "failed")])
    request, trip = spans_of(finished(span=span))
    assert (trip.name, trip.parent_id, trip.error) == ("redis", request.span_id, "failed")


def test_attempts_have_the_ids_that_upstreams_were_told_and_say_how_they_ended() -> None:
    call, trace = call_of(), RequestTrace()
    pending = PendingCall(call, lambda: None)
    pending.started_at = time.monotonic()
    for step, detail in (
        (Step.SENT, ""),
        (Step.TRACED, "1" * 16),
        (Step.FAILED, "upstream_timeout"),
        (Step.RETRIED, "upstream_timeout"),
        (Step.SENT, "as the breaker's probe"),
        (Step.TRACED, "2" * 16),
    ):
        trace.note(call, step, detail)
    pending.fail(UpstreamTimeoutError("claims"))

    request, of_call, *attempts = spans_of(finished(calls=[pending], trace=trace))
    assert request.attributes["gateway.outcome"] == "partial"
    assert (of_call.name, of_call.error, [step for _, step, _ in of_call.events]) == (
        "claims getThing",
        "upstream_timeout",
        ["tried again"],
    )
    assert [(each.span_id, each.parent_id, each.error, each.attributes["gateway.is_probe"]) for each in attempts] == [
        ("1" * 16, of_call.span_id, "upstream_timeout", False),
        ("2" * 16, of_call.span_id, "upstream_timeout", True),
    ]


@pytest.mark.parametrize(
    ("name", "share", "wanted"),
    [
        ("always_on", 1.0, (True, True, True)),
        ("always_off", 1.0, (False, False, False)),
        ("traceidratio", 0.0, (False, False, False)),
        ("parentbased_always_on", 1.0, (True, True, False)),
        ("parentbased_always_off", 1.0, (False, True, False)),
        ("parentbased_traceidratio", 0.0, (False, True, False)),
    ],
)
def test_the_sampler_decides_of_those_without_a_parent_and_of_both_kinds_with_one(
    settings: Settings, exporter: Exporter, name: str, share: float, wanted: tuple[bool, bool, bool]
) -> None:
    settings.OTEL_TRACES_SAMPLER, settings.OTEL_TRACES_SAMPLER_ARG = name, share
    sender = SpanSender(exporter, sampler(), Resource({}), delay_seconds=60)
    given = (("", False), (PARENT, True), (PARENT, False))
    assert wanted == tuple(
        sender.is_wanted(TRACE, parent_id=parent, is_parent_sampled=is_sampled) for parent, is_sampled in given
    )
