"""The page of contract drift: fields that upstreams send otherwise than agreed, quarantined until they read right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse

from gateway_clients.console.measurements import measure
from gateway_clients.console.moments import moment_of
from gateway_clients.console.pages import PageAdmin
from gateway_clients.console.routes import route_text
from gateway_clients.fleet.drift import ITEM, DriftedField


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSpell:
    """One time that a field drifted; `until` is None while it does. `saw`: answers without it by view, most first."""

    since: datetime
    until: datetime | None
    times: int
    saw: Sequence[tuple[str, int]]

    @property
    def answers(self) -> int:
        """How many answers to portals lacked it."""
        return sum(count for _, count in self.saw)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownField:
    """One field: the spell that is under way, or the last one, and those before it, the latest first."""

    field: DriftedField
    name: str
    last_at: datetime
    spell: ShownSpell
    earlier: Sequence[ShownSpell]


class ContractDriftAdmin(PageAdmin):
    """Contract drift, to look at."""

    def page(self, request: HttpRequest) -> HttpResponse:
        """The fields of the last week, those in quarantine first, and what portals saw of them."""
        found = measure()
        rows = [_shown(field) for field in found.drift]
        return self.shown(request, "drift.html", "Contract drift", rows=rows, is_redis_down=found.is_redis_down)


def _shown(field: DriftedField) -> ShownField:
    until = None if field.is_quarantined else field.right_at
    return ShownField(
        field=field,
        name="an item of the list" if field.field == ITEM else field.field,
        last_at=moment_of(field.last_at),
        spell=_spell(field.since, until, field.times, field.saw),
        earlier=[_spell(each.since, each.until, each.times, each.saw) for each in reversed(field.spells)],
    )


def _spell(since: float, until: float | None, times: int, saw: Mapping[str, int]) -> ShownSpell:
    views = sorted(saw.items(), key=lambda seen: -seen[1])
    return ShownSpell(
        since=moment_of(since),
        until=None if until is None else moment_of(until),
        times=times,
        saw=[(route_text(route), count) for route, count in views],
    )
