"""Who takes the spans of this process: nobody, until `sender.SpanSender.start`."""

import time
from collections.abc import Sequence
from typing import Any, Final, Protocol

from gateway_clients.instrumentation.request_span import RequestSpan
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.trace import RequestTrace
from gateway_clients.tracing.finished_request import FinishedRequest


class Recorder(Protocol):
    """Decides which requests are traced, and takes them when they were answered; it waits for nothing."""

    def is_wanted(self, trace_id: str, *, parent_id: str, is_parent_sampled: bool) -> bool:
        """Whether a request of this trace is to be recorded; `parent_id` is "" where the trace begins with it."""

    def take(self, finished: FinishedRequest) -> None:
        """Takes a request that was answered."""


class _Process:
    recorder: Recorder | None = None


_PROCESS: Final = _Process()


def recorder() -> Recorder | None:
    """That of this process; None where no traces are sent."""
    return _PROCESS.recorder


def record_with(chosen: Recorder | None) -> None:
    """From now on this one takes them; None: nobody."""
    _PROCESS.recorder = chosen


def finish(
    span: RequestSpan,
    *,
    method: str,
    route: str,
    status: int,
    seconds: float,
    calls: Sequence[PendingCall[Any]],
    trace: RequestTrace | None,
) -> None:
    """Hands over a request that was answered just now, after so many seconds."""
    taking = recorder()
    if taking is None:
        return
    now = time.monotonic()
    taking.take(
        FinishedRequest(
            span=span,
            method=method,
            route=route,
            status=status,
            began_at=now - seconds,
            ended_at=now,
            calls=calls,
            trace=trace,
        )
    )
