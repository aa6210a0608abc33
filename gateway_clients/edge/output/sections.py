"""Answers made of one thing that the view cannot do without."""

from typing import Any, TypeVar

from django.http import HttpResponse

from gateway_clients.edge.input.parameters import Page
from gateway_clients.pipeline.outcome import SectionState
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.section import Section, section_of
from gateway_clients.services.payload_parser import Page as FoundPage

P = TypeVar("P")


def required_section(call: PendingCall[P]) -> tuple[P, Section[P]]:
    """Waits: the payload, and how it came about. Raises as `PendingCall.outcome` does, also for a 404."""
    outcome = call.outcome()
    return outcome.value, section_of(outcome, outcome.value)


def has_more(found: FoundPage[Any], section: Section[Any], page: Page) -> bool:
    """Whether there are items behind a page; where the upstream did not count them, whether the page is full.

    An item that could not be read takes its place all the same. Behind an empty page there is nothing. Items beyond
    the page's length, of an upstream that sends more than it was asked for, are behind it.
    """
    came = min(len(found.items) + section.omitted, page.limit)
    return came > 0 and (came >= page.limit if found.total is None else page.offset + came < found.total)


def labelled(response: HttpResponse, section: Section[Any]) -> HttpResponse:
    """An answer that has no `meta`, with its `Age` when it was kept."""
    if section.state is not SectionState.FRESH:
        response.headers["Age"] = str(int(section.age_seconds))
    return response
