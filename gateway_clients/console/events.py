"""The timeline: what happened by itself, from Redis, and what staff did, from Django admin's log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.admin.models import LogEntry
from django.db import Error

from gateway_clients.console.measurements import Measurements
from gateway_clients.console.moments import moment_of

MOST_SHOWN: Final = 40
#: Apps whose entries are levers.
LEVERS: Final = ("console", "claims", "gateway_clients", "members")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEvent:
    """One event of the timeline. `who` is empty for what happened by itself; `times`: it happened so often in a row."""

    at: datetime
    kind: str
    text: str
    who: str = ""
    times: int = 1


def timeline(found: Measurements, *, with_deeds: bool = True) -> list[ShownEvent]:
    """The latest, newest first; the same event of several processes, one behind the other, is one."""
    events = [ShownEvent(at=moment_of(event.at), kind=event.kind, text=event.text) for event in found.events]
    if with_deeds:
        events += _deeds()
    return _merged(sorted(events, key=lambda event: event.at, reverse=True))[:MOST_SHOWN]


def _deeds() -> list[ShownEvent]:
    entries = LogEntry.objects.filter(content_type__app_label__in=LEVERS).select_related("user", "content_type")
    try:
        latest = list(entries.order_by("-action_time")[:MOST_SHOWN])
    except Error:
        return []
    return [
        ShownEvent(
            at=entry.action_time,
            kind="staff",
            text=f"{entry.object_repr}: {entry.get_change_message()}",
            who=str(entry.user),
        )
        for entry in latest
    ]


def _merged(events: Sequence[ShownEvent]) -> list[ShownEvent]:
    merged: list[ShownEvent] = []
    for event in events:
        last = merged[-1] if merged else None
        if last is not None and (last.text, last.who) == (event.text, event.who):
            merged[-1] = ShownEvent(at=last.at, kind=last.kind, text=last.text, who=last.who, times=last.times + 1)
        else:
            merged.append(event)
    return merged
