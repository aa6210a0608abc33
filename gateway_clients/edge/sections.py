"""Answers made of one thing that the view cannot do without."""

from typing import Any, TypeVar

from django.http import HttpResponse

from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.section import Section, SectionState, section_of

P = TypeVar("P")


def required_section(call: PendingCall[P]) -> tuple[P, Section[P]]:
    """Waits: the payload, and how it came about. Raises as `PendingCall.outcome` does, also for a 404."""
    outcome = call.outcome()
    return outcome.value, section_of(outcome, outcome.value)


def labelled(response: HttpResponse, section: Section[Any]) -> HttpResponse:
    """An answer that has no `meta`, with its `Age` when it was kept."""
    if section.state is not SectionState.FRESH:
        response.headers["Age"] = str(int(section.age_seconds))
    return response
