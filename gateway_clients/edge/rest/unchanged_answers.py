"""An answer that the portal holds already, and for which nobody was asked, counts for nothing of the rate limit."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from gateway_clients.edge.input.request_context import context_of
from gateway_clients.edge.output.response_headers import is_known
from gateway_clients.pipeline.outcome import SectionState


def forgive_unchanged(request: HttpRequest, response: HttpResponseBase) -> None:
    """Takes back what was counted for a read whose answer will be 304, if no upstream was asked for it."""
    context = context_of(request)
    if context.count is None or not context.may_be_unchanged or not is_known(request, response):
        return
    parts = context.freshness
    if all(part.state == SectionState.CACHED and not (part.is_collapsed or part.is_expired) for part in parts):
        context.count.forgive()
