"""Spans as OpenTelemetry's SDK has them, made after the fact: under ids and at moments that are known by then."""

import time
from collections.abc import Iterable
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from gateway_clients.instrumentation.request_span import RequestSpan
from gateway_clients.tracing.span_tree import Kind, Span

KINDS: Final = {Kind.SERVER: SpanKind.SERVER, Kind.CLIENT: SpanKind.CLIENT, Kind.INTERNAL: SpanKind.INTERNAL}


def context_of_parent(trace_id: str, span_id: str, *, is_sampled: bool, tracestate: str = "") -> Context:
    """What the SDK wants to know of a span's parent."""
    parent = SpanContext(
        int(trace_id, 16),
        int(span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if is_sampled else TraceFlags.DEFAULT),
        trace_state=TraceState.from_header([tracestate]) if tracestate else None,
    )
    return set_span_in_context(NonRecordingSpan(parent))


class _KnownIds(IdGenerator):
    """Gives the ids that the next span is to have."""

    trace_id = 0
    span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


class _Ended(SpanProcessor):
    """Keeps spans that have ended."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


class SpanMaker:
    """Makes spans; one thread at a time."""

    def __init__(self, resource: Resource) -> None:
        self._ids, self._ended = _KnownIds(), _Ended()
        provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        provider.add_span_processor(self._ended)
        self._tracer = provider.get_tracer("web-bff")

    def made(self, request: RequestSpan, spans: Iterable[Span]) -> list[ReadableSpan]:
        """Those spans of a request, ended."""
        self._ended.spans = []
        self._ids.trace_id = int(request.trace_id, 16)
        epoch = time.time() - time.monotonic()
        for span in spans:
            self._make(request, span, epoch)
        return self._ended.spans

    def _make(self, request: RequestSpan, span: Span, epoch: float) -> None:
        self._ids.span_id = int(span.span_id, 16)
        parent = Context()
        if span.parent_id:
            parent = context_of_parent(request.trace_id, span.parent_id, is_sampled=True, tracestate=request.tracestate)
        made = self._tracer.start_span(
            span.name,
            context=parent,
            kind=KINDS[span.kind],
            attributes={**span.attributes, **({"error.type": span.error} if span.error else {})},
            start_time=_nanoseconds(span.began_at + epoch),
        )
        for at, step, detail in span.events:
            made.add_event(step, {"gateway.detail": detail} if detail else {}, _nanoseconds(at + epoch))
        if span.error:
            made.set_status(Status(StatusCode.ERROR, span.error))
        made.end(_nanoseconds(span.ended_at + epoch))


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)
