"""Why a claim is not submitted, cancelled or appealed, as portals see it."""

from typing import Final

from gateway_clients.edge.errors import ApiError
from gateway_clients.errors import ErrorCode


class MemberNotEligibleError(ApiError):
    """The policy service says no."""

    status = 400
    code = ErrorCode.MEMBER_NOT_ELIGIBLE
    title = "Member not eligible"


class ProviderNotActiveError(ApiError):
    """The provider service says that they don't take part any more."""

    status = 400
    code = ErrorCode.PROVIDER_NOT_ACTIVE
    title = "Provider is not active"


class ClaimConflictError(ApiError):
    """The state of the claim does not allow it."""

    status = 409
    code = ErrorCode.CONFLICT
    title = "The state of the claim does not allow this"


class RefusedByServiceError(ApiError):
    """The claims service understood it, and said no."""

    status = 422
    code = ErrorCode.UPSTREAM_REFUSED
    title = "The claims service refused it"


class RequestInProgressError(ApiError):
    """The first request with this key is still under way."""

    status = 409
    code = ErrorCode.REQUEST_IN_PROGRESS
    title = "A request with this Idempotency-Key is still under way"


class KeyReusedError(ApiError):
    """The key was used for something else."""

    status = 422
    code = ErrorCode.KEY_REUSED
    title = "The Idempotency-Key was used for another request"


#: Refusals that are results: a repeat of the same key is answered the same.
KEPT: Final = (MemberNotEligibleError, ProviderNotActiveError, ClaimConflictError, RefusedByServiceError)
