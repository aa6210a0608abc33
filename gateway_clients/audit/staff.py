"""Looks of staff that no portal's answer makes: a cache entry's value shown, the trail exported, a breaker forced."""

from collections.abc import Collection
from typing import Final

from gateway_clients.audit.entries import AuditRow, Outcome
from gateway_clients.audit.recorder import recorder
from gateway_clients.instrumentation import logs

STAFF: Final = "staff"


def note_staff_look(
    action: str,
    *,
    account_id: str,
    member_id: str = "",
    members: Collection[str] = (),
    sections: str = "",
    origins: str = "",
    count: int = 1,
    reason: str = "",
) -> None:
    """Writes down that staff saw or did something, before they are shown it. Raises AuditUnavailableError (503).

    `action` names the page and the deed, such as `console.reveal`. A row for each of several `members`, one of the
    member or of nobody otherwise. Not inside a transaction.
    """
    recorder().commit(
        [
            AuditRow(
                action=action,
                outcome=Outcome.SHOWN,
                account_id=account_id,
                role=STAFF,
                member_id=each,
                sections=sections,
                origins=origins,
                count=count,
                reason=reason,
                request_id=logs.request_id.get(),
            )
            for each in members or (member_id,)
        ]
    )
