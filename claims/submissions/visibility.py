"""Who may see what became of a submission: those who may see the claim, at each look anew."""

from claims.models import Submission
from claims.submissions.commands import Outcome
from gateway_clients.edge.access import Caller, Resource, scope_of
from gateway_clients.edge.errors import AccessDeniedError, NotFoundError


def require_sight(row: Submission, outcome: Outcome, caller: Caller) -> None:
    """Raises NotFoundError unless the caller may now see claims of that member at that provider.

    That it is the caller's own submission is not enough: the account may have lost the member or the provider since.
    """
    try:
        scope = scope_of(caller, Resource.MEMBER_CLAIMS, member_id=row.member_id)
    except AccessDeniedError:
        raise NotFoundError from None
    told = None if outcome.claim is None else outcome.claim.provider_id
    if scope.provider_id not in {None, row.provider_id if told is None else told}:
        raise NotFoundError
