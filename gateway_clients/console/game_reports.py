"""The report of a game day: what portals saw while faults were put into calls, beside what they saw before."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from gateway_clients.console.measurements import Measurements, part, parts
from gateway_clients.console.models import GameDay
from gateway_clients.console.routes import route_text
from gateway_clients.fleet.counters import COARSE, FINE, Counts, Resolution, total

OUTCOMES = ("whole", "partial", "failed", "shed")


def snapshot(service: str, counts: Counts) -> dict[str, Any]:
    """The answers of the views that use an upstream, and its calls, as a report keeps them."""
    users = {route for route, services in parts(counts, "uses").items() if service in services}
    answers = parts(counts, "view")
    views = {
        route_text(route): {outcome: answers.get(route, {}).get(outcome, 0) for outcome in OUTCOMES}
        for route in sorted(users)
    }
    names = ("calls", "errors", "slow", "refused")
    calls = {name: part(counts, "call", service, name) for name in names}
    calls["left_alone"] = part(counts, "why", service, "circuit_open")
    return {"views": views, "calls": calls}


def report_of(day: GameDay, found: Measurements) -> dict[str, Any]:
    """Returns the counts between a game day's beginning and its end, or now."""
    until = min(day.ends_at, timezone.now())
    is_fine = (timezone.now() - day.started_at).total_seconds() < FINE.seconds * (FINE.slices - 1)
    resolution, slices = (FINE, found.fine) if is_fine else (COARSE, found.coarse)
    counts = total([slices[number] for number in _numbers(day.started_at, until, resolution, len(slices))])
    return snapshot(day.service, counts)


def _numbers(since: datetime, until: datetime, resolution: Resolution, length: int) -> list[int]:
    now = int(timezone.now().timestamp() // resolution.seconds)
    first, last = (int(moment.timestamp() // resolution.seconds) for moment in (since, until))
    return [length - 1 - (now - number) for number in range(first, last + 1) if 0 <= now - number < length]


def rows_of(report: dict[str, Any], before: dict[str, Any]) -> list[dict[str, Any]]:
    """The report's views, each with the share that was whole then and before."""
    rows = []
    for view, counts in report.get("views", {}).items():
        earlier = before.get("views", {}).get(view, {})
        rows.append(
            {"view": view, **counts, "whole_percent": _whole_percent(counts), "before": _whole_percent(earlier)}
        )
    return rows


def _whole_percent(counts: dict[str, int]) -> float | None:
    answers = sum(counts.values())
    return 100 * counts.get("whole", 0) / answers if answers else None
