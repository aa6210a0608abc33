"""The base of REST views, writes that may be repeated, and the pages for people."""

from gateway_clients.edge.rest.idempotency import upstream_key
from gateway_clients.edge.rest.specified import list_action, url_of
from gateway_clients.edge.rest.views import GatewayViewSet
from gateway_clients.edge.rest.writes import REFUSALS, TIMED_OUT, WRITE_ERRORS, all_written, keep, outcome_of, written

__all__ = [
    "REFUSALS",
    "TIMED_OUT",
    "WRITE_ERRORS",
    "GatewayViewSet",
    "all_written",
    "keep",
    "list_action",
    "outcome_of",
    "upstream_key",
    "url_of",
    "written",
]
