"""What a request says of its trace, and what is passed on of it (W3C Trace Context).

Who sends no traces passes on what came as it came: the span before and those behind belong together then. Where traces
are sent the request is a span, and each attempt tells its upstream its own.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.signals import setting_changed

from gateway_clients.instrumentation.request_span import RequestSpan, new_id
from gateway_clients.tracing.recorder import Recorder, recorder

TRACEPARENT: Final = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})-"
    r"(?P<flags>[0-9a-f]{2})(?P<rest>-.*)?\Z"
)
#: The version that ends with its flags; one to come may go on behind them.
PRESENT_VERSION: Final = "00"
#: What vendors say in it is theirs; a longer one need not be passed on.
TRACESTATE: Final = re.compile(r"[\x20-\x7e]{1,512}\Z")
SAMPLED: Final = 0x01


class TraceContext(NamedTuple):
    """What upstreams are told of a request's trace ("": nothing), and its span where it is recorded."""

    traceparent: str
    tracestate: str = ""
    span: RequestSpan | None = None


class _Given(NamedTuple):
    trace_id: str
    span_id: str
    flags: str
    tracestate: str


NOTHING: Final = TraceContext("")


def trace_context_of(meta: Mapping[str, Any]) -> TraceContext:
    """The trace goes on, or a new one begins where the request has none of use."""
    if not _is_propagated():
        return NOTHING if (mine := recorder()) is None else _recorded(None, mine)._replace(traceparent="")
    text = meta.get("HTTP_TRACEPARENT")
    given = _given(text, meta) if text else None
    if (mine := recorder()) is not None:
        return _recorded(given, mine)
    if given is None:
        return TraceContext(_traceparent(new_id(128), new_id(64), "00"))
    return TraceContext(_traceparent(given.trace_id, given.span_id, given.flags), given.tracestate)


def _recorded(given: _Given | None, mine: Recorder) -> TraceContext:
    trace_id, parent_id = (new_id(128), "") if given is None else (given.trace_id, given.span_id)
    tracestate = "" if given is None else given.tracestate
    is_parent_sampled = given is not None and bool(int(given.flags, 16) & SAMPLED)
    if not mine.is_wanted(trace_id, parent_id=parent_id, is_parent_sampled=is_parent_sampled):
        return TraceContext(_traceparent(trace_id, parent_id or new_id(64), "00"), tracestate)
    span = RequestSpan(trace_id=trace_id, span_id=new_id(64), parent_id=parent_id, tracestate=tracestate)
    return TraceContext(span.traceparent_of(span.span_id), tracestate, span)


def _given(text: str, meta: Mapping[str, Any]) -> _Given | None:
    match = TRACEPARENT.match(text)
    if match is None or (match["rest"] and match["version"] == PRESENT_VERSION):
        return None
    tracestate = meta.get("HTTP_TRACESTATE", "")
    return _Given(match["trace"], match["span"], match["flags"], tracestate if TRACESTATE.match(tracestate) else "")


def _traceparent(trace_id: str, span_id: str, flags: str) -> str:
    return f"{PRESENT_VERSION}-{trace_id}-{span_id}-{flags}"


@cache
def _is_propagated() -> bool:
    return "tracecontext" in settings.OTEL_PROPAGATORS


def forget(*, setting: str, **_: object) -> None:
    """Reads the setting anew when it changes."""
    if setting == "OTEL_PROPAGATORS":
        _is_propagated.cache_clear()


setting_changed.connect(forget)
