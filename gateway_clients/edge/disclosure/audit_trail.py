"""Writes the rows of the audit trail for an answer before the answer is sent.

A member who looks at their own data waits for nothing: their rows are written within a second. Everybody else's answer
is sent when its rows are committed, and is 503 when they cannot be.
"""

from collections.abc import Collection
from typing import Final, NamedTuple

from django.http import HttpRequest

from gateway_clients.audit.entries import AuditRow, Outcome
from gateway_clients.audit.recorder import recorder
from gateway_clients.edge.access.resources import Caller, Role, Scope
from gateway_clients.edge.disclosure.shown import Parts, told
from gateway_clients.edge.errors import AccessDeniedError, NotFoundError, UnauthenticatedError
from gateway_clients.edge.input.request_context import context_of
from gateway_clients.errors import UpstreamNotFoundError

#: How a try ends that was refused, by what was raised. Others leave no row: nothing was decided about a member.
REFUSALS: Final[tuple[tuple[type[Exception], Outcome], ...]] = (
    (AccessDeniedError, Outcome.DENIED),
    (UnauthenticatedError, Outcome.UNAUTHENTICATED),
    (NotFoundError, Outcome.NOT_FOUND),
    (UpstreamNotFoundError, Outcome.NOT_FOUND),
)


class Look(NamedTuple):
    """What one answer shows of one member. `scope`: how much of what was asked for the caller may see."""

    member_id: str
    action: str
    parts: Parts
    scope: Scope


def record_shown(request: HttpRequest, caller: Caller, looks: Collection[Look]) -> None:
    """Writes down what an answer shows, a row for each member.

    Raises AuditUnavailableError, and RateLimitedError for an answer that is one too many and is not sent.
    """
    if not looks:
        return
    context = context_of(request)
    context.admit()
    rows: list[AuditRow] = []
    own: list[AuditRow] = []
    for look in looks:
        role = role_of(caller, look.member_id, look.scope)
        sections, origins = told(look.parts)
        row = AuditRow(
            action=look.action,
            outcome=Outcome.SHOWN,
            account_id=context.account_id or "",
            role=role,
            member_id=look.member_id,
            sections=sections,
            origins=origins,
            request_id=context.request_id,
        )
        (own if role is Role.MEMBER else rows).append(row)
    if rows:
        recorder().commit(rows)
    for row in own:
        recorder().add(row)


def record_refusal(
    request: HttpRequest, caller: Caller | None, error: Exception, *, action: str, member_id: str | None
) -> None:
    """Writes down a try that was refused, if it was. Raises as `record_shown` does.

    What is not found leaves a row where a member was named, and nobody knows whether there is such a member.
    """
    outcome = next((outcome for kind, outcome in REFUSALS if isinstance(error, kind)), None)
    named = getattr(error, "member_id", None) or member_id
    if outcome is None or (outcome is Outcome.NOT_FOUND and named is None):
        return
    context = context_of(request)
    context.admit()
    recorder().deny(
        AuditRow(
            action=action,
            outcome=outcome,
            account_id=context.account_id or "",
            role="+".join(sorted(caller.roles)) if caller is not None else "",
            member_id=named or "",
            request_id=context.request_id,
        )
    )


def role_of(caller: Caller, member_id: str, scope: Scope) -> Role:
    """As what the caller sees this member's data."""
    if member_id == caller.member_id:
        return Role.MEMBER
    if scope.provider_id is None and Role.ADMIN in caller.roles:
        return Role.ADMIN
    return Role.PROVIDER
