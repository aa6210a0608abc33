"""Submitting, cancelling and appealing claims over GraphQL."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.utils import timezone
from graphene import Argument, Field, ObjectType, String

from claims.errors import RequestInProgressError
from claims.models import Operation
from claims.schema_types import CLAIM_DETAIL, CLAIM_RESPONSE, SUBMISSION, ClaimInput
from claims.serializers import AppealInput, CancellationInput
from claims.serializers import ClaimInput as CheckedClaim
from claims.submissions.commands import GivenChange, GivenClaim, Outcome, checked_key
from claims.submissions.presentation import shown_claim, submission_status
from claims.submissions.workflow import change_claim, submit_claim
from claims.view_models import ClaimDetail, ClaimResponse, Submission, SubmissionStatus
from gateway_clients.edge.access import Resource
from gateway_clients.edge.graphql.errors import FieldRefusedError
from gateway_clients.edge.graphql.field_request import FieldRequest
from gateway_clients.edge.graphql.inputs import checked_input
from gateway_clients.edge.request_context import context_of
from gateway_clients.edge.rules import allowed, signed_in

PENDING: Final = "It was sent, and what became of it is being found out: ask for the submission"


class SubmissionQuery(ObjectType):
    """What may be asked about what was sent."""

    submission = Field(
        SUBMISSION,
        submission_id=String(required=True),
        description="How far the account's submission, cancellation or appeal has got.",
    )

    @staticmethod
    @signed_in
    def resolve_submission(field_request: FieldRequest, *, submission_id: str) -> Submission:
        """As it is known now."""
        return submission_status(
            submission_id, field_request.caller, account_id=_account_id(field_request), now=timezone.now()
        )


class SubmissionMutation(ObjectType):
    """What may be done with claims."""

    submit_claim = Field(
        CLAIM_RESPONSE,
        claim_input=Argument(ClaimInput, required=True),
        description="Submits a claim, after its member, provider and benefits were checked.",
    )
    cancel_claim = Field(
        CLAIM_DETAIL,
        member_id=String(required=True),
        claim_id=String(required=True),
        reason=String(),
        idempotency_key=String(),
        description="Cancels a claim that is still submitted.",
    )
    appeal_claim = Field(
        CLAIM_DETAIL,
        member_id=String(required=True),
        claim_id=String(required=True),
        reason=String(required=True),
        idempotency_key=String(),
        description="Sends a rejected claim back to processing.",
    )

    @staticmethod
    @signed_in
    def resolve_submit_claim(field_request: FieldRequest, *, claim_input: Mapping[str, Any]) -> ClaimResponse:
        """The claim, or under which id to ask for it."""
        given = dict(claim_input)
        key = _key(field_request, given.pop("idempotency_key", None))
        claim = msgspec.convert(checked_input(CheckedClaim, given), GivenClaim)
        outcome = submit_claim(
            field_request.gateway, field_request.caller, claim, account_id=_account_id(field_request), key=key
        )
        shown = _shown(field_request, outcome)
        return ClaimResponse(
            id=shown.id if shown else None,
            claim_number=shown.claim_number if shown else None,
            status=shown.status if shown else SubmissionStatus.PENDING,
            claim=shown,
            submission_id=outcome.submission_id,
        )

    @staticmethod
    @allowed(Resource.CLAIM_CHANGES)
    def resolve_cancel_claim(
        field_request: FieldRequest,
        *,
        member_id: str,
        claim_id: str,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> ClaimDetail:
        """The cancelled claim."""
        checked = checked_input(CancellationInput, {"reason": reason})
        change = GivenChange(member_id=member_id, claim_id=claim_id, reason=checked.get("reason"))
        return _changed(field_request, Operation.CANCEL, change, idempotency_key)

    @staticmethod
    @allowed(Resource.CLAIM_CHANGES)
    def resolve_appeal_claim(
        field_request: FieldRequest, *, member_id: str, claim_id: str, reason: str, idempotency_key: str | None = None
    ) -> ClaimDetail:
        """The claim that is processed again."""
        checked = checked_input(AppealInput, {"reason": reason})
        change = GivenChange(member_id=member_id, claim_id=claim_id, reason=checked["reason"])
        return _changed(field_request, Operation.APPEAL, change, idempotency_key)


def _changed(
    field_request: FieldRequest, operation: Operation, change: GivenChange, idempotency_key: str | None
) -> ClaimDetail:
    key = _key(field_request, idempotency_key)
    outcome = change_claim(
        field_request.gateway, field_request.caller, change, operation, account_id=_account_id(field_request), key=key
    )
    shown = _shown(field_request, outcome)
    if shown is None:
        raise FieldRefusedError(PENDING, RequestInProgressError.code, submission_id=outcome.submission_id)
    return shown


def _shown(field_request: FieldRequest, outcome: Outcome) -> ClaimDetail | None:
    """The claim; None while nobody knows. Raises FieldRefusedError for a refusal."""
    if outcome.is_replayed:
        field_request.headers["Idempotency-Replayed"] = "true"
    if outcome.problem is not None:
        raise FieldRefusedError(outcome.problem.detail, outcome.problem.code)
    return shown_claim(outcome, field_request.caller)


def _key(field_request: FieldRequest, given: str | None) -> str | None:
    return checked_key(given if given is not None else field_request.request.META.get("HTTP_IDEMPOTENCY_KEY"))


def _account_id(field_request: FieldRequest) -> str:
    account_id = context_of(field_request.request).account_id
    assert account_id is not None
    return account_id
