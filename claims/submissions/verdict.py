"""What is sent to the claims service, and what its answer, or none, says of whether it happened."""

from enum import Enum, auto

import msgspec
from msgspec.structs import replace

from claims.errors import ClaimConflictError, RefusedByServiceError
from claims.models import Operation, Submission
from gateway_clients.edge.errors import ApiError
from gateway_clients.edge.rest import REFUSALS, TIMED_OUT
from gateway_clients.errors import (
    GatewayOverloadedError,
    UpstreamConflictError,
    UpstreamError,
    UpstreamRejectedError,
    UpstreamUnavailableError,
)
from gateway_clients.pipeline.call import Call
from gateway_clients.services.claims import ClaimPayload, ClaimsService, NewClaim


class Verdict(Enum):
    """What a failed call says of whether it happened."""

    NOTHING_HAPPENED = auto()
    REFUSED = auto()
    UNKNOWN = auto()


class Reason(msgspec.Struct, omit_defaults=True):
    """The body of a cancellation or an appeal, as the claims service takes it."""

    reason: str | None = None


def call_of(row: Submission, body: bytes) -> Call[ClaimPayload]:
    """The call of a submission: byte for byte the same, under the same key, however often it is made.

    Raises ValueError or msgspec.MsgspecError for what another version of the gateway wrote and this one cannot read.
    """
    operation = Operation(row.operation)
    service, key = ClaimsService(), row.upstream_key
    if operation is Operation.SUBMIT:
        call = service.submit_claim(msgspec.json.decode(body, type=NewClaim), idempotency_key=key)
    else:
        reason = msgspec.json.decode(body, type=Reason).reason
        if operation is Operation.CANCEL:
            call = service.cancel_claim(row.claim_id, reason=reason, idempotency_key=key)
        else:
            call = service.appeal_claim(row.claim_id, reason=reason or "", idempotency_key=key)
    return replace(call, body=body)


def verdict_of(error: Exception) -> Verdict:
    """Whether it happened, by how the call failed; what nobody foresaw may have happened."""
    match error:
        case UpstreamConflictError():
            return Verdict.REFUSED
        case UpstreamRejectedError():
            if error.upstream_status == TIMED_OUT:
                return Verdict.UNKNOWN
            return Verdict.REFUSED if error.upstream_status in REFUSALS else Verdict.NOTHING_HAPPENED
        case UpstreamUnavailableError(was_sent=True):
            return Verdict.UNKNOWN
        case UpstreamError() | GatewayOverloadedError():
            return Verdict.NOTHING_HAPPENED
        case _:
            return Verdict.UNKNOWN


def refusal_of(error: Exception) -> ApiError:
    """How the portal is told that the claims service said no; never in its words."""
    if isinstance(error, UpstreamConflictError):
        return ClaimConflictError()
    return RefusedByServiceError()
