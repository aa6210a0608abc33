"""What is told of each answer to the console: how whole it was, which upstreams it used, and why it became so."""

import re
import time
from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from gateway_clients.edge.access import Role
from gateway_clients.edge.input.request_context import RequestContext
from gateway_clients.fleet.drift import ITEM, saw_name
from gateway_clients.fleet.explanations import Explanation
from gateway_clients.fleet.narration import calls_explained, sections_explained
from gateway_clients.fleet.processes import version
from gateway_clients.fleet.pulse import pulse
from gateway_clients.fleet.sampler import SLOW_SECONDS, Kind, Sampler
from gateway_clients.instrumentation.metrics import known_method
from gateway_clients.instrumentation.tally import tally
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.runtime.singletons import process_singleton

#: What portals ask for; staff's pages, probes and files are not counted.
COUNTED: Final = ("/api/v1/", "/graphql")
#: How answers of the whole are shed.
SHED: Final = frozenset({"overloaded", "rate_limited"})
CODE: Final = re.compile(rb'"code":"([A-Za-z_]{1,40})"')
ROLES: Final = (Role.ADMIN, Role.PROVIDER, Role.MEMBER)


@process_singleton
def sampler() -> Sampler:
    """That of this process."""
    return Sampler()


def observe(request: HttpRequest, response: HttpResponseBase, context: RequestContext, route: str) -> None:
    """Counts an answer, and has it explained where it went wrong, or by chance."""
    if not request.path_info.startswith(COUNTED):
        return
    calls, troubles = context.calls, ""
    for pending in calls:
        if trouble := pending.trouble:
            troubles = troubles or trouble
    seconds = time.perf_counter() - context.started_at
    kind, code = _kind_of(response, troubles, seconds)
    _count(route, kind, calls)
    if settings.EXPLAIN_HOURS and sampler().wants(kind, route, code):
        pulse().explain(_explanation(request, response, context, route=route, kind=kind, code=code, seconds=seconds))


def _kind_of(response: HttpResponseBase, trouble: str, seconds: float) -> tuple[Kind, str]:
    """Why the request is worth explaining, and the code of its problem or of its first call in trouble."""
    status = response.status_code
    if status >= 400 and status not in {401, 404, 405}:
        code = _code_of(response)
        if code in SHED:
            return Kind.SHED, code
        if status >= 500:
            return Kind.FAILED, code
        return Kind.SAMPLE, code
    if trouble and status < 400:
        return (Kind.SHED if trouble in SHED else Kind.PARTIAL), trouble
    return (Kind.SLOW if seconds >= SLOW_SECONDS else Kind.SAMPLE), ""


def _code_of(response: HttpResponseBase) -> str:
    found = CODE.search(response.content) if isinstance(response, HttpResponse) else None
    return "" if found is None else found[1].decode().lower()


def _count(route: str, kind: Kind, calls: Sequence[PendingCall[Any]]) -> None:
    name = "whole" if kind in {Kind.SAMPLE, Kind.SLOW} else kind
    if not calls:
        tally().add(f"view|{route}|{name}")
        return
    counts = {f"view|{route}|{name}": 1}
    for pending in calls:
        service = pending.call.service
        counts[f"uses|{route}|{service}"] = 1
        if trouble := pending.trouble:
            counts[f"hurt|{route}|{service}"] = 1
            counts[f"why|{service}|{trouble}"] = counts.get(f"why|{service}|{trouble}", 0) + 1
            counts |= dict.fromkeys(_drifted(pending, route), 1)
    tally().add_all(counts)


def _drifted(pending: PendingCall[Any], route: str) -> list[str]:
    """What the fields that this answer lacks are counted under."""
    came_to = pending.came_to
    if came_to is None:
        return []
    fields = (*came_to.drifted, *((ITEM,) if came_to.omitted else ()))
    call = pending.call
    return [saw_name(field, service=call.service, operation=call.operation, route=route) for field in fields]


def _explanation(
    request: HttpRequest,
    response: HttpResponseBase,
    context: RequestContext,
    *,
    route: str,
    kind: Kind,
    code: str,
    seconds: float,
) -> Explanation:
    began_at = time.monotonic() - seconds
    trace = context.trace
    return Explanation(
        request_id=context.request_id,
        at=time.time() - seconds,
        kind=kind,
        method=known_method(request.method or ""),
        route=route,
        status=response.status_code,
        spent_ms=round(seconds * 1000, 2),
        budget_ms=round((context.deadline.at - began_at) * 1000),
        caller=_caller_kind(request),
        code=code,
        process=pulse().process,
        version=version(),
        is_fresh_wanted=context.is_fresh_wanted,
        is_crowded=context.is_crowded,
        calls=() if trace is None else calls_explained(context.calls, trace, context.deadline, began_at),
        sections=() if trace is None else sections_explained(trace),
    )


def _caller_kind(request: HttpRequest) -> str:
    """By which kind of caller; never by whom."""
    roles: frozenset[str] = getattr(request.__dict__.get("edge_caller"), "roles", frozenset())
    return next((role for role in ROLES if role in roles), "nobody")
