"""The steps of a request's calls, recorded as they happen, so that the request can be explained afterwards."""

import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.section import Section

#: Where an entry was found: in the process's own memory, or in Redis.
NEAR: Final = "near"
REDIS: Final = "Redis"
#: The entry has just expired, and answers while its read is made again.
EXPIRED: Final = "expired"
#: The most steps of one request that are recorded; a wait for a lease takes one for each lookup.
MOST_STEPS: Final = 400
NO_CALLS: Final[Mapping[str, Any]] = {}


class Step(StrEnum):
    """A step in the life of a call."""

    JOINED = "joined"
    LOOKED_UP = "looked up"
    HELD = "waited for the lease"
    PLACED = "got a place"
    SENT = "sent"
    #: Of an attempt whose span is recorded; the detail is the span's id.
    TRACED = "traced"
    ANSWERED = "answered"
    FAILED = "failed"
    RETRIED = "tried again"
    SKIPPED = "not tried"


class ViewNote(NamedTuple):
    """A view that was made: when, monotonic, its sections, where it was kept whole, and the pending calls it is of."""

    at: float
    name: str
    sections: Mapping[str, Section[Any]]
    kept_in: str
    calls: Mapping[str, Any]


class RequestTrace:
    """The steps of one request's calls, and the sections of its views. Appending is safe from every thread."""

    __slots__ = ("steps", "views")

    def __init__(self) -> None:
        self.steps: list[tuple[float, Call[Any], Step, str]] = []
        self.views: list[ViewNote] = []

    def note(self, call: Call[Any], step: Step, detail: str = "") -> None:
        """Records a step at the present monotonic time."""
        if len(self.steps) < MOST_STEPS:
            self.steps.append((time.monotonic(), call, step, detail))

    def note_view(
        self, name: str, sections: Mapping[str, Section[Any]], kept_in: str, calls: Mapping[str, Any] = NO_CALLS
    ) -> None:
        """Records a view's sections and where it was cached whole; "" for a view that was put together."""
        self.views.append(ViewNote(time.monotonic(), name, sections, kept_in, calls))
