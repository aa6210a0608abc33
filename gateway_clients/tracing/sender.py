"""Sends spans to a collector over OTLP/HTTP, on threads of its own; with `otel_spans` all that imports OpenTelemetry.

Requests are handed over as they were noted. One thread makes spans of them, the other sends those. While the collector
is slow or away, spans are dropped and counted, and nobody waits.
"""

import threading
from collections import deque
from contextlib import suppress
from typing import Any, Final

import structlog
from django.conf import settings
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    Decision,
    ParentBasedTraceIdRatio,
    Sampler,
    TraceIdRatioBased,
)

from gateway_clients.instrumentation.tally import tally
from gateway_clients.runtime.process_end import at_process_end
from gateway_clients.runtime.singletons import process_singleton
from gateway_clients.tracing.finished_request import FinishedRequest
from gateway_clients.tracing.otel_spans import SpanMaker, context_of_parent
from gateway_clients.tracing.recorder import record_with
from gateway_clients.tracing.span_tree import spans_of

#: Seconds after which spans are made of a request that was answered.
TURN_SECONDS: Final = 0.1
#: Requests of which no spans were made yet, and spans that were not sent yet; what comes beyond is dropped.
MOST_REQUESTS: Final = 1_000
MOST_SPANS: Final = 8_192
MOST_AT_ONCE: Final = 512
#: Seconds that the end of a process waits for its last spans.
LAST_SECONDS: Final = 1.0
SENT: Final = "spans|sent"
DROPPED: Final = "spans|dropped"
log = structlog.get_logger(__name__)


class SpanSender:
    """Takes requests and sends their spans. `make_spans` and `send` are one turn of its threads."""

    def __init__(self, exporter: SpanExporter, sampler: Sampler, resource: Resource, *, delay_seconds: float) -> None:
        self._exporter = exporter
        self._sampler = sampler
        self._maker = SpanMaker(resource)
        self._delay_seconds = delay_seconds
        self._requests: deque[FinishedRequest] = deque()
        self._spans: deque[ReadableSpan] = deque()
        self._is_away = False
        self._making = threading.Lock()
        self._is_over = threading.Event()
        self._has_sent_last = threading.Event()

    def start(self) -> None:
        """Takes the spans of this process from now on."""
        record_with(self)
        for name, turns in {"spans": self._make_on, "spans-out": self._send_on}.items():
            threading.Thread(target=turns, name=name, daemon=True).start()
        at_process_end(self.stop)

    def stop(self) -> None:
        """Sends what is left, for `LAST_SECONDS` at most."""
        record_with(None)
        self._is_over.set()
        self._has_sent_last.wait(LAST_SECONDS)

    def is_wanted(self, trace_id: str, *, parent_id: str, is_parent_sampled: bool) -> bool:
        """What the sampler of `OTEL_TRACES_SAMPLER` says."""
        parent = context_of_parent(trace_id, parent_id, is_sampled=is_parent_sampled) if parent_id else None
        decision = self._sampler.should_sample(parent, int(trace_id, 16), "request").decision
        return decision is Decision.RECORD_AND_SAMPLE

    def take(self, finished: FinishedRequest) -> None:
        """Takes a request, or drops it where too many wait."""
        if len(self._requests) < MOST_REQUESTS:
            self._requests.append(finished)
        else:
            tally().add(DROPPED)

    def make_spans(self) -> None:
        """Makes spans of the requests that were taken; at the end both threads come to it."""
        with self._making:
            self._make_all()

    def _make_all(self) -> None:
        while self._requests:
            finished = self._requests.popleft()
            try:
                made = self._maker.made(finished.span, spans_of(finished))
            except Exception:
                log.exception("traces.not_made")
                continue
            room = MOST_SPANS - len(self._spans)
            self._spans.extend(made[:room])
            if len(made) > room:
                tally().add(DROPPED, len(made) - room)

    def send(self) -> None:
        """Sends the spans that were made; those that the collector does not take are dropped."""
        while self._spans:
            batch = [self._spans.popleft() for _ in range(min(len(self._spans), MOST_AT_ONCE))]
            has_sent = False
            with suppress(Exception):
                has_sent = self._exporter.export(batch) is SpanExportResult.SUCCESS
            tally().add(SENT if has_sent else DROPPED, len(batch))
            self._tell(is_away=not has_sent)

    def _tell(self, *, is_away: bool) -> None:
        if is_away and not self._is_away:
            log.warning("traces.not_sent")
        elif self._is_away and not is_away:
            log.info("traces.sent_again")
        self._is_away = is_away

    def _make_on(self) -> None:
        while not self._is_over.wait(TURN_SECONDS):
            self.make_spans()

    def _send_on(self) -> None:
        while not self._is_over.wait(self._delay_seconds):
            self.send()
        self.make_spans()
        self.send()
        self._has_sent_last.set()


def sampler() -> Sampler:
    """That of `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`."""
    share: float = settings.OTEL_TRACES_SAMPLER_ARG
    chosen: dict[str, Any] = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "traceidratio": TraceIdRatioBased(share),
        "parentbased_always_on": DEFAULT_ON,
        "parentbased_always_off": DEFAULT_OFF,
        "parentbased_traceidratio": ParentBasedTraceIdRatio(share),
    }
    made: Sampler = chosen[settings.OTEL_TRACES_SAMPLER]
    return made


@process_singleton
def span_sender() -> SpanSender:
    """That of this process. The exporter reads the rest of its settings from the environment, as the standard says."""
    return SpanSender(
        OTLPSpanExporter(certificate_file=settings.CA_BUNDLE or None),
        sampler(),
        Resource.create({"service.name": settings.OTEL_SERVICE_NAME, "service.version": settings.GATEWAY_VERSION}),
        delay_seconds=settings.OTEL_BSP_SCHEDULE_DELAY / 1000,
    )
