"""A stand-in for a collector of traces: it takes spans over OTLP/HTTP, and hands them out as trees."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status

ADDRESS: Final = "/v1/traces"


@dataclass(frozen=True)
class TakenSpan:
    """A span that came in. Ids are hexadecimal, moments nanoseconds."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: str
    attributes: dict[str, Any]
    began_at: int
    ended_at: int
    is_error: bool
    events: tuple[str, ...]
    resource: dict[str, Any] = field(repr=False)


class OtlpCollector:
    """Listens on a port of its own while the `with` lasts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: list[TakenSpan] = []
        self.headers: list[dict[str, str]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                is_known = self.path == ADDRESS and self.headers["Content-Type"] == "application/x-protobuf"
                if is_known:
                    collector._take(body, {name.lower(): value for name, value in self.headers.items()})
                self.send_response(200 if is_known else 400)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def spans(self, trace_id: str | None = None) -> list[TakenSpan]:
        """Those that came in so far, of one trace where it is named."""
        with self._lock:
            return [span for span in self._spans if trace_id in {None, span.trace_id}]

    def tree(self, trace_id: str) -> list[str]:
        """The names of a trace's spans, each behind its parent and indented; brothers by their names."""
        spans = self.spans(trace_id)
        known = {span.span_id for span in spans}

        def below(parents: set[str], depth: int) -> Iterator[str]:
            for span in sorted(spans, key=lambda span: (span.kind != "INTERNAL", span.name)):
                if span.parent_id in parents:
                    yield f"{'  ' * depth}{span.name}"
                    yield from below({span.span_id}, depth + 1)

        return list(below({span.parent_id for span in spans} - known, 0))

    def _take(self, body: bytes, headers: dict[str, str]) -> None:
        message = ExportTraceServiceRequest.FromString(body)
        taken = [
            _taken(span, _attributes(group.resource.attributes))
            for group in message.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self.headers.append(headers)
            self._spans += taken


def _taken(span: Any, resource: dict[str, Any]) -> TakenSpan:
    return TakenSpan(
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        kind=SpanMessage.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        attributes=_attributes(span.attributes),
        began_at=span.start_time_unix_nano,
        ended_at=span.end_time_unix_nano,
        is_error=span.status.code == Status.STATUS_CODE_ERROR,
        events=tuple(event.name for event in span.events),
        resource=resource,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
