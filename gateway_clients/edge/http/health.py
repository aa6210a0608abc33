"""Whether the process answers, can take traffic, and what it knows of its surroundings."""

import os
from pathlib import Path
from typing import Any, Final

import msgspec
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from gateway_clients.caching.redis_state import redis_state
from gateway_clients.conf import SERVICES
from gateway_clients.edge.http.health_report import Check, Finding, HealthReport
from gateway_clients.outbox.leases import oldest_due
from gateway_clients.pipeline.fleet_health import UpstreamHealth, fleet_health
from gateway_clients.runtime.singletons import process_singleton

ALIVE: Final = b'{"status":"alive"}'
#: A message that has been due for longer says that no worker takes messages, or too few do.
OUTBOX_LATE_SECONDS: Final = 60
#: For so long the last answer of an upstream that failed counts against the gateway; it is shown until the next.
LAST_ANSWER_COUNTS_SECONDS: Final = 300


def database_state() -> str:
    """Returns `up` or `down`."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (OperationalError, InterfaceError):
        return "down"
    return "up"


def outbox_state() -> Finding:
    """`up`, `late`, or `unknown` while the database is down; and how many seconds the oldest message has been due."""
    now = timezone.now()
    try:
        due_at = oldest_due(now=now)
    except (OperationalError, InterfaceError):
        return Finding(OUTBOX_UNKNOWN, False)
    seconds = 0 if due_at is None else int((now - due_at).total_seconds())
    is_late = seconds > OUTBOX_LATE_SECONDS
    return Finding({"state": "late" if is_late else "up", "oldest_due_seconds": seconds}, not is_late)


def upstream_states() -> Finding:
    """Of each upstream its breaker, over all processes, and how the last call ended: `ok`, `failed` or `none`."""
    known = fleet_health().upstreams
    return Finding({each.name: _shown(each) for each in known}, all(_is_well(each) for each in known))


def _shown(upstream: UpstreamHealth) -> dict[str, str]:
    is_paused = upstream.is_paused and upstream.state == "closed"
    return {"breaker": "paused" if is_paused else upstream.state, "last_answer": upstream.last_answer}


def _is_well(upstream: UpstreamHealth) -> bool:
    has_failed = upstream.last_answer == "failed" and upstream.answered_seconds_ago < LAST_ANSWER_COUNTS_SECONDS
    return upstream.state == "closed" and not upstream.is_paused and not has_failed


OUTBOX_UNKNOWN: Final[dict[str, Any]] = {"state": "unknown", "oldest_due_seconds": None}
UPSTREAMS_UNKNOWN: Final = {name: {"breaker": "unknown", "last_answer": "unknown"} for name in SERVICES}
#: What the report looks at, by name.
CHECKS: Final[dict[str, Check]] = {
    "database": Check(look=database_state),
    "redis": Check(look=redis_state),
    "outbox": Check(look=outbox_state, unknown=OUTBOX_UNKNOWN),
    "upstreams": Check(look=upstream_states, unknown=UPSTREAMS_UNKNOWN),
}


@process_singleton
def health_report() -> HealthReport:
    """Returns the health report of this process."""
    return HealthReport(CHECKS)


@require_safe
def report(_request: HttpRequest) -> HttpResponse:
    """`/health`: the version, names and states, always 200."""
    found = health_report().report()
    status = "healthy" if found.is_well else "degraded"
    return _json({"status": status, "version": settings.GATEWAY_VERSION, "checks": found.shown})


@require_safe
def ready(_request: HttpRequest) -> HttpResponse:
    """`/health/ready`: whether to send traffic here; no, once the file that `DRAIN_FILE` names is there."""
    drain_file = os.environ.get("DRAIN_FILE")
    if drain_file and Path(drain_file).exists():
        return _json({"status": "draining"}, status=503)
    return _json({"status": "ready"})


def _json(body: object, *, status: int = 200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(body), status=status, content_type="application/json")
