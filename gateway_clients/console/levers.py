"""The levers on breakers, the same from a page and from the shell: each is written down and told to every process.

With `CONSOLE_FOUR_EYES` a breaker is forced closed only once a second person has agreed to what the first proposed.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from gateway_clients.audit.staff import note_staff_look
from gateway_clients.console.models import OverrideProposal
from gateway_clients.resilience.breaker import Override
from gateway_clients.resilience.breaker_sync import breaker_sync
from gateway_clients.resilience.overrides import OverrideOrder

#: Staff's word for the end of an override.
BACK_TO_NORMAL: Final = "reset"
#: A proposal that nobody has decided for so long is over.
PROPOSAL_LIFE: Final = timedelta(minutes=30)


class SamePersonError(Exception):
    """Who proposed an override may not agree to it."""


class ProposalGoneError(Exception):
    """The proposal was decided already, or its time is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants of a breaker: `forced_open`, `forced_closed` or `reset`, for how long, why, which ticket."""

    service: str
    action: str
    minutes: int
    reason: str
    ticket: str = ""

    @property
    def text(self) -> str:
        """The wish as it stands in the log."""
        words = {"forced_open": "Open", "forced_closed": "Close", BACK_TO_NORMAL: "Back to normal"}[self.action]
        lasts = "" if self.action == BACK_TO_NORMAL else f" for {self.minutes} minutes"
        ticket = f" ({self.ticket})" if self.ticket else ""
        return f"{words}{ticket}{lasts}: {self.reason}"


def needs_second_person(wish: Wish) -> bool:
    """Whether this wish takes two."""
    return bool(settings.CONSOLE_FOUR_EYES) and wish.action == Override.FORCED_CLOSED


def fulfil(wish: Wish, *, by: str, record: Any) -> None:
    """Writes the order and its entry in the log (`record(text)`), both or neither, and has every process read it.

    Raises AuditUnavailableError, `django.db.Error`: then nothing was ordered.
    """
    note_staff_look(f"breaker.{wish.action}", account_id=by, sections=wish.service, reason=wish.reason)
    sharing = breaker_sync()
    with transaction.atomic():
        record(wish.text)
        if wish.action == BACK_TO_NORMAL:
            ruling = sharing.order_reset(wish.service, reason=wish.reason, ordered_by=by)
        else:
            order = OverrideOrder(
                override=Override(wish.action),
                until=time.time() + 60 * wish.minutes,
                reason=wish.reason,
                ordered_by=by,
                ticket=wish.ticket,
            )
            ruling = sharing.order(wish.service, order)
    sharing.announce(wish.service, ruling)


def propose(wish: Wish, *, by: str, record: Any) -> OverrideProposal:
    """Writes down what a second person is to agree to."""
    with transaction.atomic():
        record(f"Proposed: {wish.text}")
        return OverrideProposal.objects.create(
            service=wish.service,
            override=wish.action,
            minutes=wish.minutes,
            reason=wish.reason,
            ticket=wish.ticket,
            proposed_by=by,
        )


def open_proposals(now: datetime | None = None) -> list[OverrideProposal]:
    """Returns the proposals that wait for a second person, the oldest first."""
    since = (now or timezone.now()) - PROPOSAL_LIFE
    return list(OverrideProposal.objects.filter(decided_at=None, proposed_at__gte=since).order_by("proposed_at"))


def decide(proposal: OverrideProposal, *, by: str, is_approved: bool, record: Any) -> Wish:
    """Agrees to a proposal, which is fulfilled, or refuses it; one alone of several who decide at once.

    One that cannot be written down is not made. Raises SamePersonError when who proposed it agrees to it,
    ProposalGoneError, and as `fulfil` does.
    """
    if is_approved and proposal.proposed_by == by:
        raise SamePersonError
    wish = Wish(
        service=proposal.service,
        action=proposal.override,
        minutes=proposal.minutes,
        reason=proposal.reason,
        ticket=proposal.ticket,
    )
    waiting = OverrideProposal.objects.filter(
        pk=proposal.pk, decided_at=None, proposed_at__gte=timezone.now() - PROPOSAL_LIFE
    )
    if not is_approved:
        with transaction.atomic():
            _take(waiting, by=by, is_approved=False)
            record(f"Refused: {wish.text}")
        return wish
    first = names_of([proposal.proposed_by])[proposal.proposed_by]
    _take(waiting, by=by, is_approved=True)
    try:
        fulfil(wish, by=by, record=lambda text: record(f"Agreed to what {first} proposed. {text}"))
    except BaseException:
        OverrideProposal.objects.filter(pk=proposal.pk).update(decided_by="", decided_at=None, is_approved=False)
        raise
    return wish


def _take(waiting: QuerySet[OverrideProposal], *, by: str, is_approved: bool) -> None:
    if not waiting.update(decided_by=by, decided_at=timezone.now(), is_approved=is_approved):
        raise ProposalGoneError


def names_of(ids: list[str]) -> Mapping[str, str]:
    """The names of accounts by their ids, as they are shown."""
    numbers = [each for each in ids if each.isdecimal() and len(each) < 19]
    known = {str(account.pk): str(account) for account in get_user_model()._default_manager.filter(pk__in=numbers)}
    return {each: known.get(each, f"account {each}") for each in ids}
