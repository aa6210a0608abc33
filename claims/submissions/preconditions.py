"""What is asked before a claim is sent: always fresh, in order, and the first refusal ends it."""

from collections.abc import Sequence
from typing import Final, TypeVar

from msgspec.structs import replace

from claims.errors import ClaimConflictError, MemberNotEligibleError, ProviderNotActiveError
from claims.models import Operation
from claims.submissions.commands import GivenChange, GivenClaim
from claims.transformers import ACTIONS
from claims.view_models import ClaimAction, ClaimStatus
from gateway_clients.edge.access import Scope
from gateway_clients.edge.errors import BadUserInputError, NotFoundError
from gateway_clients.edge.output import known
from gateway_clients.errors import UpstreamNotFoundError
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline.call import Call
from gateway_clients.services.benefit import BenefitValidationPayload
from gateway_clients.services.claims import ClaimPayload, NewClaim
from gateway_clients.services.policy import EligibilityPayload

P = TypeVar("P")

REASON_MAX_LENGTH: Final = 500
NEEDED: Final = {Operation.CANCEL: ClaimAction.CANCEL, Operation.APPEAL: ClaimAction.APPEAL}
DONE: Final = {Operation.CANCEL: "cancelled", Operation.APPEAL: "appealed"}


def checked_claim(gateway: Gateway, given: GivenClaim, *, submitted_by: str) -> NewClaim:
    """The claim with the answers of the services that were asked about it.

    Raises BadUserInputError, MemberNotEligibleError, ProviderNotActiveError, and what the services fail with.
    """
    eligibility = _eligibility(gateway, given)
    _refuse_inactive_provider(gateway, given.provider_id)
    return NewClaim(
        member_id=given.member_id,
        provider_id=given.provider_id,
        service_date=given.service_date,
        items=given.items,
        diagnosis_code=given.diagnosis_code,
        notes=given.notes,
        eligibility=eligibility,
        benefit_validations=_validations(gateway, given),
        submitted_by=submitted_by,
    )


def changeable_claim(gateway: Gateway, given: GivenChange, operation: Operation, *, scope: Scope) -> ClaimPayload:
    """The claim as it is now. Raises NotFoundError for somebody else's, ClaimConflictError when it is too late."""
    (claim,) = patiently(gateway, [gateway.claims.get_claim(given.claim_id)])
    if claim.member_id != given.member_id or scope.provider_id not in {None, claim.provider_id}:
        raise NotFoundError
    status = known(claim.status, ClaimStatus)
    if NEEDED[operation] not in ACTIONS[status]:
        raise ClaimConflictError(f"A claim that is {status} cannot be {DONE[operation]}")
    return claim


def patiently(gateway: Gateway, calls: Sequence[Call[P]]) -> list[P]:
    """The payloads of calls that are made side by side, asked of the services themselves, never of the cache.

    These calls are part of a write: each waits for its place at a busy service. Raises what the first of them fails
    with.
    """
    pending = [gateway.call(replace(call, key=None, is_patient=True)) for call in calls]
    return [each.require() for each in pending]


def _eligibility(gateway: Gateway, given: GivenClaim) -> EligibilityPayload:
    question = gateway.policy.check_eligibility(
        member_id=given.member_id, provider_id=given.provider_id, service_date=given.service_date
    )
    try:
        (answer,) = patiently(gateway, [question])
    except UpstreamNotFoundError:
        raise BadUserInputError(errors={"member_id": ["There is no such member."]}) from None
    if not answer.is_eligible:
        reason = f": {answer.reason[:REASON_MAX_LENGTH]}" if answer.reason else ""
        raise MemberNotEligibleError(f"Member not eligible{reason}")
    return answer


def _refuse_inactive_provider(gateway: Gateway, provider_id: str) -> None:
    try:
        (provider,) = patiently(gateway, [gateway.provider.get_provider(provider_id)])
    except UpstreamNotFoundError:
        raise BadUserInputError(errors={"provider_id": ["There is no such provider."]}) from None
    if not provider.is_active:
        raise ProviderNotActiveError


def _validations(gateway: Gateway, given: GivenClaim) -> tuple[BenefitValidationPayload, ...]:
    questions = [
        gateway.benefit.validate_benefit(
            member_id=given.member_id,
            provider_id=given.provider_id,
            service_date=given.service_date,
            benefit_code=item.benefit_code,
            amount=item.amount,
            quantity=item.quantity,
        )
        for item in given.items
    ]
    return tuple(patiently(gateway, questions))
