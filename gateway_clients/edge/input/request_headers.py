"""What the edge reads from a request's headers before anything else happens."""

import re
import time
from functools import cache
from typing import Final

from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpRequest, QueryDict

from gateway_clients.edge.input.request_context import RequestContext
from gateway_clients.instrumentation.request_span import REQUEST_ID, new_id
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.tracing import trace_context_of

MILLISECONDS: Final = re.compile(r"[0-9]{1,9}\Z")
EMPTY_QUERY: Final = QueryDict(encoding="utf-8")
#: Methods that change nothing (RFC 9110, 9.2.1), of those that are taken.
READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def know_empty_query(request: HttpRequest) -> None:
    """A request without a query gets the one that is empty, which nobody can write to, instead of one of its own."""
    if not request.META.get("QUERY_STRING"):
        request.__dict__["GET"] = EMPTY_QUERY


def context_from(request: HttpRequest) -> RequestContext:
    """The context of a request that has just come in."""
    meta = request.META
    given_id = meta.get("HTTP_X_REQUEST_ID")
    deadline = Deadline.after(_budget_seconds(request))
    return RequestContext(
        request_id=given_id if given_id and REQUEST_ID.match(given_id) else new_id(128),
        trace_context=trace_context_of(meta),
        deadline=deadline,
        started_at=time.perf_counter(),
        may_be_unchanged=request.method in READS and "HTTP_IF_NONE_MATCH" in meta,
        is_fresh_wanted="no-cache" in meta.get("HTTP_CACHE_CONTROL", "").lower(),
    )


def _budget_seconds(request: HttpRequest) -> float:
    """The budget of the method, or the shorter one that the portal asks for; what is out of bounds is ignored."""
    budget = _budget_of("READ_BUDGET_SECONDS" if request.method in READS else "SUBMIT_BUDGET_SECONDS")
    asked = request.META.get("HTTP_X_REQUEST_TIMEOUT_MS")
    if asked and MILLISECONDS.match(asked) and 1 <= int(asked) <= budget * 1000:
        return int(asked) / 1000
    return budget


@cache
def _budget_of(setting: str) -> float:
    return float(getattr(settings, setting))


def forget(**_: object) -> None:
    """Read the budgets anew the next time a request comes in."""
    _budget_of.cache_clear()


setting_changed.connect(forget)
