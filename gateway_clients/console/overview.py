"""The overview: what is wrong, since when, whom it hurts; a line for each upstream; the views; what happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from gateway_clients.console.events import timeline
from gateway_clients.console.figures import Figure, Trouble, gathered
from gateway_clients.console.measurements import Measurements, measure, parts
from gateway_clients.console.moments import moment_of
from gateway_clients.console.pages import PageAdmin
from gateway_clients.console.routes import route_text
from gateway_clients.console.surroundings import database_figure, redis_figure
from gateway_clients.console.troubles import troubles_of
from gateway_clients.console.upstream_lines import upstream_lines
from gateway_clients.fleet.processes import ProcessStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewLine:
    """The answers of one view in the last hour."""

    route: str
    answers: int
    whole: int
    partial: int
    failed: int
    shed: int
    services: Sequence[str]

    @property
    def whole_percent(self) -> float:
        """How many of them were whole."""
        return 100 * self.whole / self.answers if self.answers else 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLine:
    """One process."""

    status: ProcessStatus
    started: datetime
    in_flight: int


def overview_of(request: HttpRequest) -> Mapping[str, Any]:
    """Returns the contents of the overview."""
    found = measure()
    database, of_database = database_figure()
    is_slow = database.tone != "good"
    redis, of_redis = redis_figure()
    figures, of_others = ([], []) if is_slow else gathered()
    lines = upstream_lines(found)
    troubles = [*of_redis, *of_database, *of_others, *troubles_of(lines, found)]
    views = view_lines(found)
    return {
        "is_redis_down": found.is_redis_down,
        "troubles": [(each, None if each.since is None else moment_of(each.since)) for each in _worst_first(troubles)],
        "figures": [*_of_answers(views), redis, database, *figures],
        "lines": lines,
        "views": views,
        "events": timeline(found, with_deeds=not is_slow),
        "processes": [
            ProcessLine(
                status=status,
                started=moment_of(status.started_at),
                in_flight=sum(places.in_flight for places in status.places.values()),
            )
            for status in found.processes
        ],
        "may_order": request.user.has_perm("console.change_breaker"),
        "now": datetime.now(UTC),
    }


def view_lines(found: Measurements) -> list[ViewLine]:
    """The views of the last hour, the busiest first."""
    uses = parts(found.hour, "uses")
    lines = [
        ViewLine(
            route=route_text(route),
            answers=sum(counts.values()),
            whole=counts.get("whole", 0),
            partial=counts.get("partial", 0),
            failed=counts.get("failed", 0),
            shed=counts.get("shed", 0),
            services=sorted(uses.get(route, ())),
        )
        for route, counts in parts(found.hour, "view").items()
    ]
    return sorted(lines, key=lambda line: -line.answers)


def _of_answers(views: Sequence[ViewLine]) -> list[Figure]:
    answers, whole = sum(view.answers for view in views), sum(view.whole for view in views)
    shed = sum(view.shed for view in views)
    percent = 100 * whole / answers if answers else 100.0
    return [
        Figure(label="Answers of an hour", value=f"{answers:,}"),
        Figure(
            label="Whole", value=f"{percent:.1f} %", tone="good" if percent > 99 else "fair" if percent > 90 else "bad"
        ),
        Figure(label="Shed", value=f"{shed:,}", tone="fair" if shed else "good"),
    ]


def _worst_first(troubles: Sequence[Trouble]) -> list[Trouble]:
    return sorted(troubles, key=lambda trouble: trouble.tone != "bad")


class OverviewAdmin(PageAdmin):
    """The overview as a page of its own; the index of Django admin begins with it too."""

    def page(self, request: HttpRequest) -> HttpResponse:
        """The state of the gateway."""
        return self.shown(request, "overview.html", "Overview")
