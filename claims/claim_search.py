"""Finds a claim by its number. The claims service cannot, so the newest claims are read."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace

from claims.view_models import ClaimSummary
from gateway_clients.edge.access import EVERYTHING, Scope
from gateway_clients.edge.input import MAX_LIMIT, Page
from gateway_clients.edge.output import meta_of, required_section
from gateway_clients.edge.specs import ListSpec
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline.outcome import SectionState
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.pending_value import Deferred, PendingValue
from gateway_clients.pipeline.section import Section
from gateway_clients.services.claims import ClaimPayload
from gateway_clients.services.payload_parser import Page as FoundPage

#: The filter that narrows a list to the claims with one number.
CLAIM_NUMBER: Final = "claim_number"
#: What portals show before a claim's number.
PREFIX: Final = "CLM-"
#: How many pages are read at most, each as long as the contract allows.
MOST_PAGES: Final = 10
#: The states that a page may have come about in, the best first.
STATES: Final = (SectionState.FRESH, SectionState.CACHED, SectionState.STALE)

Calls = Sequence[PendingCall[FoundPage[ClaimPayload]]]


@dataclass(frozen=True, kw_only=True)
class ClaimListSpec(ListSpec[ClaimPayload, ClaimSummary]):
    """A list of claims, which can be narrowed to those with one number. A number is
    that of one claim.
    """

    def page(
        self,
        gateway: Gateway,
        asked: Mapping[str, Any],
        *,
        page: Page,
        scope: Scope = EVERYTHING,
        transform: Callable[[ClaimPayload], Any] | None = None,
    ) -> PendingValue[Any]:
        """One page, as every list's; of the claims with a number those among the newest
        that can be read.

        Its `meta` is not complete where the claim was not found and there are more than
        could be read. Raises what the claims service fails with.
        """
        others = {name: value for name, value in asked.items() if name != CLAIM_NUMBER}
        number = asked.get(CLAIM_NUMBER)
        if number is None:
            return super().page(gateway, others, page=page, scope=scope, transform=transform)

        def calls(numbers: Iterable[int]) -> Calls:
            pages = ({**others, "limit": MAX_LIMIT, "offset": each * MAX_LIMIT} for each in numbers)
            return [gateway.call(self.call(gateway, self.narrow(scope, query))) for query in pages]

        def shown(read: Calls) -> Any:
            return self._shown(read, number.removeprefix(PREFIX), page, transform or self.transform)

        def others_if_needed() -> PendingValue[Any]:
            more = calls(range(1, _pages_of(first, number.removeprefix(PREFIX))))
            return Deferred(lambda: shown([first, *more]))

        (first,) = calls([0])
        return Deferred(others_if_needed)

    def _shown(self, read: Calls, number: str, page: Page, transform: Callable[[ClaimPayload], Any]) -> Any:
        found = [required_section(call) for call in read]
        matches = [claim for answer, _ in found for claim in answer.items if claim.claim_number == number]
        there_are_more = not matches and _has_more(found)
        meta = meta_of({self.items: _worst_of([section for _, section in found])})
        end = page.offset + page.limit
        return self.page_model(
            **{self.items: tuple(map(transform, matches[page.offset : end]))},
            total=len(matches),
            limit=page.limit,
            offset=page.offset,
            has_more=len(matches) > end,
            meta=replace(meta, complete=meta.complete and not there_are_more),
        )


def _pages_of(first: PendingCall[FoundPage[ClaimPayload]], number: str) -> int:
    """The number of pages to read: one if it has the claim, or if there are no more."""
    answer, _ = required_section(first)
    if any(claim.claim_number == number for claim in answer.items):
        return 1
    total = MOST_PAGES * MAX_LIMIT if answer.total is None else answer.total
    return min(MOST_PAGES, math.ceil(total / MAX_LIMIT))


def _has_more(found: Sequence[tuple[FoundPage[ClaimPayload], Section[Any]]]) -> bool:
    last, section = found[-1]
    if last.total is not None:
        return last.total > len(found) * MAX_LIMIT
    return len(last.items) + section.omitted >= MAX_LIMIT


def _worst_of(sections: Sequence[Section[Any]]) -> Section[Any]:
    """The section of several pages: the state and age of the worst one, and what any of
    them could not read.
    """
    worst = max(sections, key=lambda section: (STATES.index(section.state), section.age_seconds))
    drifted = tuple(dict.fromkeys(field for section in sections for field in section.drifted))
    return replace(worst, omitted=sum(section.omitted for section in sections), drifted=drifted)
