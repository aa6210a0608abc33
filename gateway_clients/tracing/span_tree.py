"""The spans of a request, made of what its calls and views noted: request → view → section → attempt, Redis's trips.

Attributes are words of the gateway's own, numbers and flags: never an id of a person or a thing, an address or a value.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from gateway_clients.instrumentation.metrics import METHODS
from gateway_clients.instrumentation.request_span import RequestSpan, new_id
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.section import Section
from gateway_clients.pipeline.trace import RequestTrace, Step, ViewNote
from gateway_clients.tracing.finished_request import FinishedRequest

Attributes = dict[str, str | int | float | bool]
Steps = Sequence[tuple[float, Step, str]]

#: Calls of one request that get spans.
MOST_CALLS: Final = 100


class Kind(StrEnum):
    """On which side of a conversation a span is."""

    SERVER = "server"
    CLIENT = "client"
    INTERNAL = "internal"


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A span. Moments are monotonic, in seconds; `error` is a code, "" where all went well."""

    name: str
    span_id: str
    parent_id: str
    kind: Kind
    began_at: float
    ended_at: float
    attributes: Attributes
    error: str = ""
    events: Steps = ()


def spans_of(finished: FinishedRequest) -> list[Span]:
    """All spans of a request, its own first."""
    calls = list(finished.calls)[:MOST_CALLS]
    spans = [_request(finished, calls)]
    trips = finished.span.trips
    spans += [_redis_trip(finished.span, *trip) for trip in trips]
    if finished.trace is not None:
        spans += _CallSpans(finished, finished.trace, calls).made()
    return spans


def _request(finished: FinishedRequest, calls: Iterable[PendingCall[Any]]) -> Span:
    method = finished.method if finished.method in METHODS else "_OTHER"
    is_failed = finished.status >= 500
    outcome = "failed" if is_failed else "partial" if any(pending.trouble for pending in calls) else "whole"
    return Span(
        name=f"{method} {finished.route}",
        span_id=finished.span.span_id,
        parent_id=finished.span.parent_id,
        kind=Kind.SERVER,
        began_at=finished.began_at,
        ended_at=finished.ended_at,
        attributes={
            "http.request.method": method,
            "http.route": finished.route,
            "http.response.status_code": finished.status,
            "gateway.outcome": outcome,
        },
        error=str(finished.status) if is_failed else "",
    )


def _redis_trip(request: RequestSpan, began_at: float, ended_at: float, outcome: str) -> Span:
    return Span(
        name="redis",
        span_id=new_id(64),
        parent_id=request.span_id,
        kind=Kind.CLIENT,
        began_at=began_at,
        ended_at=ended_at,
        attributes={"db.system.name": "redis", "gateway.outcome": outcome},
        error="" if outcome == "ok" else outcome,
    )


class _CallSpans:
    """The spans of a request's views, their sections, the calls beside them, and the attempts of each call."""

    def __init__(self, finished: FinishedRequest, trace: RequestTrace, calls: Sequence[PendingCall[Any]]) -> None:
        self._finished = finished
        self._views = list(trace.views)
        self._calls = calls
        self._steps: dict[int, list[tuple[float, Step, str]]] = {}
        for at, call, step, detail in list(trace.steps):
            self._steps.setdefault(id(call), []).append((at, step, detail))
        self._told: set[int] = set()

    def made(self) -> Iterator[Span]:
        """Yields them, each behind its parent."""
        seen: set[str] = set()
        for view in self._views:
            if view.name not in seen:
                seen.add(view.name)
                yield from self._view(view)
        root_id = self._finished.span.span_id
        for pending in self._calls:
            if id(pending) not in self._told and pending.is_settled:
                name = f"{pending.call.service} {pending.call.operation}"
                yield from self._with_attempts(name, pending, root_id, {})

    def _view(self, view: ViewNote) -> Iterator[Span]:
        calls = [pending for pending in view.calls.values() if pending.started_at]
        began_at = min((pending.started_at for pending in calls), default=self._finished.began_at)
        made = Span(
            name=f"view {view.name}",
            span_id=new_id(64),
            parent_id=self._finished.span.span_id,
            kind=Kind.INTERNAL,
            began_at=began_at,
            ended_at=max(began_at, view.at),
            attributes={
                "gateway.view": view.name,
                "gateway.kept_in": view.kept_in.lower(),
                "gateway.outcome": "whole" if all(each.is_whole for each in view.sections.values()) else "partial",
            },
        )
        yield made
        for name, section in view.sections.items():
            attributes, pending = _section_attributes(name, section), view.calls.get(name)
            if pending is not None and id(pending) not in self._told and pending.is_settled:
                yield from self._with_attempts(f"section {name}", pending, made.span_id, attributes)
                continue
            yield Span(
                name=f"section {name}",
                span_id=new_id(64),
                parent_id=made.span_id,
                kind=Kind.INTERNAL,
                began_at=made.began_at,
                ended_at=made.ended_at,
                attributes=attributes,
                error=section.error or "",
            )

    def _with_attempts(
        self, name: str, pending: PendingCall[Any], parent_id: str, attributes: Mapping[str, Any]
    ) -> Iterator[Span]:
        """The span of a call, and those of its attempts."""
        self._told.add(id(pending))
        steps = self._steps.get(id(pending.call), [])
        result, trouble = pending.came_to, pending.trouble
        began_at = pending.started_at or pending.ended_at
        call = Span(
            name=name,
            span_id=new_id(64),
            parent_id=parent_id,
            kind=Kind.INTERNAL,
            began_at=began_at,
            ended_at=max(began_at, pending.ended_at),
            attributes={
                "peer.service": pending.call.service,
                "gateway.operation": pending.call.operation,
                "gateway.state": pending.freshness.state,
                "gateway.coalesced": result is not None and result.is_collapsed,
                **attributes,
            },
            error=getattr(result, "error", None) or ("" if result is not None else trouble),
            events=[step for step in steps if step[1] not in OF_ATTEMPTS],
        )
        yield call
        yield from _attempts(pending, steps, call.span_id)


#: Steps that the span of an attempt tells.
OF_ATTEMPTS: Final = frozenset({Step.SENT, Step.TRACED, Step.ANSWERED, Step.FAILED})


def _section_attributes(name: str, section: Section[Any]) -> Attributes:
    return {
        "gateway.section": name,
        "gateway.state": section.state,
        "gateway.age_seconds": round(section.age_seconds, 1),
        "gateway.omitted_items": section.omitted,
    }


def _attempts(pending: PendingCall[Any], steps: Steps, parent_id: str) -> Iterator[Span]:
    """The attempts among a call's steps; one that nobody has seen the end of ends with the call."""
    sent_at, span_id, is_probe, number = 0.0, "", False, 0

    def attempt(ended_at: float, error: str) -> Span:
        attributes: Attributes = {
            "peer.service": pending.call.service,
            "gateway.operation": pending.call.operation,
            "http.request.method": pending.call.method,
            "http.request.resend_count": number - 1,
            "gateway.is_probe": is_probe,
        }
        return Span(
            name=f"{pending.call.service} {pending.call.operation}",
            span_id=span_id or new_id(64),
            parent_id=parent_id,
            kind=Kind.CLIENT,
            began_at=sent_at,
            ended_at=max(sent_at, ended_at),
            attributes=attributes,
            error=error,
        )

    for at, step, detail in steps:
        if step is Step.SENT:
            sent_at, span_id, is_probe, number = at, "", bool(detail), number + 1
        elif step is Step.TRACED:
            span_id = detail
        elif sent_at and step in {Step.ANSWERED, Step.FAILED}:
            yield attempt(at, detail if step is Step.FAILED else "")
            sent_at = 0.0
    if sent_at:
        yield attempt(pending.ended_at, pending.trouble)
