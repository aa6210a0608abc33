"""Submitting, cancelling and appealing claims over GraphQL."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.utils import timezone
from graphene import Argument, Field, NonNull, ObjectType, String

from claims.models import Operation
from claims.schema_types import CLAIM_RESPONSE, SUBMISSION, ClaimInput
from claims.serializers import AppealInput, CancellationInput
from claims.serializers import ClaimInput as CheckedClaim
from claims.submissions.commands import GivenChange, GivenClaim, Outcome
from claims.submissions.presentation import LOOK_AGAIN_SECONDS, shown_claim, submission_status
from claims.submissions.workflow import change_claim, submit_claim
from claims.view_models import ClaimDetail, ClaimResponse, Submission, SubmissionStatus
from gateway_clients.edge.access import Resource, allowed, signed_in
from gateway_clients.edge.graphql.arguments import required_id
from gateway_clients.edge.graphql.errors import FieldRefusedError
from gateway_clients.edge.graphql.inputs import checked_input
from gateway_clients.edge.graphql.resolver_info import ResolverInfo
from gateway_clients.edge.input import checked_key, context_of

KEY: Final = Argument(
    String,
    description="Makes retries safe: the same key and arguments again, within 24 hours, return the first result. "
    "Overrides the `Idempotency-Key` header.",
)


class SubmissionQuery(ObjectType):
    """The query of what was sent."""

    submission = Field(
        SUBMISSION,
        submission_id=required_id("The submission to return, as `submissionId` of the mutation said."),
        description="Returns how far one of your submissions, cancellations or appeals has got. While it is "
        "pending, the header `Retry-After` says when to look again, and a query for it alone that comes no sooner "
        "does not count against the rate limit.",
    )

    @staticmethod
    @signed_in
    def resolve_submission(_root: None, info: ResolverInfo, *, submission_id: str) -> Submission:
        """Looks up the submission. A look at a pending one is counted as over REST, if nothing else is asked for."""
        shown = submission_status(submission_id, info.caller, account_id=_account_id(info), now=timezone.now())
        if shown.status is SubmissionStatus.PENDING:
            info.headers["Retry-After"] = str(LOOK_AGAIN_SECONDS)
            count = context_of(info.context).count
            if info.is_alone and count is not None:
                count.waive_once(shown.submission_id, LOOK_AGAIN_SECONDS)
        _note(info, shown.claim)
        return shown


class SubmissionMutation(ObjectType):
    """The mutations of claims."""

    submit_claim = Field(
        CLAIM_RESPONSE,
        claim_input=Argument(NonNull(ClaimInput), description="The claim to submit."),
        description="Submits a claim after checking the member's eligibility, the provider and the benefits.",
    )
    cancel_claim = Field(
        CLAIM_RESPONSE,
        member_id=required_id("The member whose claim it is."),
        claim_id=required_id("The claim to cancel."),
        reason=Argument(String, description="Why it is cancelled, up to 500 characters."),
        idempotency_key=KEY,
        description="Cancels a claim that has the status `submitted`.",
    )
    appeal_claim = Field(
        CLAIM_RESPONSE,
        member_id=required_id("The member whose claim it is."),
        claim_id=required_id("The claim to appeal."),
        reason=Argument(NonNull(String), description="Why it should be looked at again, up to 500 characters."),
        idempotency_key=KEY,
        description="Appeals a claim that has the status `rejected`. It goes back to `processing`.",
    )

    @staticmethod
    @signed_in
    def resolve_submit_claim(_root: None, info: ResolverInfo, *, claim_input: Mapping[str, Any]) -> ClaimResponse:
        """Submits the claim."""
        given = dict(claim_input)
        key = _key(info, given.pop("idempotency_key", None))
        claim = msgspec.convert(checked_input(CheckedClaim, given), GivenClaim)
        outcome = submit_claim(info.context.gateway, info.caller, claim, account_id=_account_id(info), key=key)
        return _response(info, outcome)

    @staticmethod
    @allowed(Resource.CLAIM_CHANGES)
    def resolve_cancel_claim(
        _root: None,
        info: ResolverInfo,
        *,
        member_id: str,
        claim_id: str,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> ClaimResponse:
        """Cancels the claim."""
        checked = checked_input(CancellationInput, {"reason": reason})
        change = GivenChange(member_id=member_id, claim_id=claim_id, reason=checked.get("reason"))
        return _changed(info, Operation.CANCEL, change, idempotency_key)

    @staticmethod
    @allowed(Resource.CLAIM_CHANGES)
    def resolve_appeal_claim(
        _root: None,
        info: ResolverInfo,
        *,
        member_id: str,
        claim_id: str,
        reason: str,
        idempotency_key: str | None = None,
    ) -> ClaimResponse:
        """Appeals the claim."""
        checked = checked_input(AppealInput, {"reason": reason})
        change = GivenChange(member_id=member_id, claim_id=claim_id, reason=checked["reason"])
        return _changed(info, Operation.APPEAL, change, idempotency_key)


def _changed(
    info: ResolverInfo, operation: Operation, change: GivenChange, idempotency_key: str | None
) -> ClaimResponse:
    key = _key(info, idempotency_key)
    outcome = change_claim(info.context.gateway, info.caller, change, operation, account_id=_account_id(info), key=key)
    return _response(info, outcome)


def _response(info: ResolverInfo, outcome: Outcome) -> ClaimResponse:
    """The claim, or the id to query while the outcome is not known. Raises
    FieldRefusedError for a refusal.
    """
    if outcome.is_replayed:
        info.headers["Idempotency-Replayed"] = "true"
    if outcome.problem is not None:
        raise FieldRefusedError(outcome.problem.detail, outcome.problem.code)
    claim = shown_claim(outcome, info.caller)
    _note(info, claim)
    if claim is None:
        info.headers["Retry-After"] = str(LOOK_AGAIN_SECONDS)
    return ClaimResponse(
        id=None if claim is None else claim.id,
        claim_number=None if claim is None else claim.claim_number,
        status=SubmissionStatus.PENDING if claim is None else SubmissionStatus.SUBMITTED,
        claim=claim,
        submission_id=outcome.submission_id,
    )


def _note(info: ResolverInfo, claim: ClaimDetail | None) -> None:
    """Says in `extensions.sections` what of the claim could not be read."""
    if claim is not None and claim.meta is not msgspec.UNSET:
        info.note(claim.meta)


def _key(info: ResolverInfo, given: str | None) -> str | None:
    if given is not None:
        return checked_key(given, name="idempotency_key")
    return checked_key(info.context.META.get("HTTP_IDEMPOTENCY_KEY"))


def _account_id(info: ResolverInfo) -> str:
    account_id = context_of(info.context).account_id
    assert account_id is not None
    return account_id
