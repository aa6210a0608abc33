"""Whether the process answers, can take traffic, and what it knows of its surroundings."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from gateway_clients.caching.redis_state import redis_state

ALIVE: Final = b'{"status":"alive"}'


def database_state() -> str:
    """`up` or `down`."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (OperationalError, InterfaceError):
        return "down"
    return "up"


#: What the report looks at, by name; the rooms below may add theirs, such as the states of breakers.
CHECKS: Final[dict[str, Callable[[], str]]] = {"database": database_state, "redis": redis_state}

#: States that are no reason to call the gateway degraded.
HEALTHY: Final = frozenset({"up", "closed", "ready"})


@require_safe
def report(_request: HttpRequest) -> HttpResponse:
    """`/health`: names and states, always 200."""
    states: Mapping[str, str] = {name: check() for name, check in CHECKS.items()}
    is_healthy = set(states.values()) <= HEALTHY
    return _json({"status": "healthy" if is_healthy else "degraded", "checks": states})


@require_safe
def ready(_request: HttpRequest) -> HttpResponse:
    """`/health/ready`: whether to send traffic here; no, once the file that `DRAIN_FILE` names is there."""
    drain_file = os.environ.get("DRAIN_FILE")
    if drain_file and Path(drain_file).exists():
        return _json({"status": "draining"}, status=503)
    return _json({"status": "ready"})


def _json(body: object, *, status: int = 200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(body), status=status, content_type="application/json")
