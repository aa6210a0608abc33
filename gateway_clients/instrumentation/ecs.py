"""A log line by the field names of the Elastic Common Schema, for `LOG_FORMAT=ecs`."""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings

VERSION: Final = "8.11.0"
#: Names of the schema, and our fields that they stand for; all others stand under `gateway.`.
FIELDS: Final[Mapping[str, str]] = {
    "@timestamp": "time",
    "log.level": "level",
    "log.logger": "logger",
    "message": "event",
    "error.stack_trace": "exception",
    "http.request.id": "request_id",
    "trace.id": "trace_id",
    "span.id": "span_id",
    "http.request.method": "method",
    "user.id": "account",
}
NAMES: Final = {ours: name for name, ours in FIELDS.items()}
NANOSECONDS: Final = 1_000_000


def ecs_line(line: Mapping[str, Any]) -> dict[str, Any]:
    """The same line, its fields under their names in the schema."""
    made: dict[str, Any] = {}
    for name, value in line.items():
        if name == "ms":
            made["event.duration"] = round(value * NANOSECONDS)
        elif name == "status":
            # An upstream's status is no status of the request's.
            is_own = line.get("event") == "request"
            made["http.response.status_code" if is_own else "gateway.status"] = value
        elif value is not None:
            made[NAMES.get(name, f"gateway.{name}")] = value
    return {
        **made,
        "ecs.version": VERSION,
        "event.dataset": "web-bff.log",
        "service.name": settings.OTEL_SERVICE_NAME,
        "service.version": settings.GATEWAY_VERSION,
    }
