"""Submitting, cancelling and appealing claims over REST; mixed into the views of what is read at the same addresses."""

from typing import Final

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from claims.errors import MemberNotEligibleError
from claims.models import Operation
from claims.serializers import AppealInput, CancellationInput, ClaimInput
from claims.submissions.commands import GivenChange, GivenClaim, Outcome
from claims.submissions.presentation import LOOK_AGAIN_SECONDS, shown_claim, shown_pending, submission_status
from claims.submissions.workflow import change_claim, submit_claim
from claims.view_models import ClaimDetail, PendingSubmission, Submission, SubmissionStatus
from gateway_clients.edge.access import Resource, allowed, signed_in
from gateway_clients.edge.disclosure import Origin
from gateway_clients.edge.input import checked_key, context_of, django_request, is_id
from gateway_clients.edge.openapi import UPSTREAM_ERRORS, key_parameter, shows
from gateway_clients.edge.output import problem_answer
from gateway_clients.edge.rest import GatewayViewSet

KEY_PARAMETER: Final = key_parameter(
    "The same key and request again, within 24 hours, answers the first result and changes nothing. "
    "Without one a repeat is a new request.",
)
ERRORS: Final = UPSTREAM_ERRORS | {
    409: "The claim's state does not allow it, or a request with this key is still under way",
    422: "The claims service refused it, or the key was used for another request",
}
REPLAYED: Final = ("Idempotency-Replayed",)
HEADERS: Final = {
    200: REPLAYED,
    201: ("Location", *REPLAYED),
    202: ("Location", "Retry-After", *REPLAYED),
    400: REPLAYED,
    409: REPLAYED,
    422: REPLAYED,
}


class OutcomeViewSet(GatewayViewSet):
    """Answers with what came of a write."""

    def answer_outcome(self, outcome: Outcome, *, status: int) -> HttpResponse:
        """The claim, the problem, or 202 and where to look later."""
        claim = shown_claim(outcome, self.caller)
        if claim is not None:
            response = self.answer(claim, status=status)
            if status == 201 and is_id(claim.id):
                response.headers["Location"] = f"/api/v1/claims/{claim.member_id}/{claim.id}"
        elif outcome.problem is not None:
            response = problem_answer(outcome.problem)
        else:
            response = self.answer(shown_pending(outcome), status=202)
            response.headers["Location"] = f"/api/v1/claims/submissions/{outcome.submission_id}"
            response.headers["Retry-After"] = str(LOOK_AGAIN_SECONDS)
        if outcome.is_replayed:
            response.headers["Idempotency-Replayed"] = "true"
        return response


class SubmittingMixin(OutcomeViewSet):
    """`POST /claims`."""

    @shows(
        ClaimDetail,
        status=201,
        also={202: PendingSubmission},
        request=ClaimInput,
        parameters=(KEY_PARAMETER,),
        errors=ERRORS,
        headers=HEADERS,
        tags=["claims"],
        operation_id="submitClaim",
    )
    @signed_in
    def create(self, request: Request) -> HttpResponse:
        """Submits a claim.

        Eligibility, the provider and each item's benefit are asked first; the first refusal ends it. 202 when it was
        sent and nobody knows what became of it: that is found out in the background, see `Location`.
        """
        key = idempotency_key_of(request)
        given = msgspec.convert(self.checked(ClaimInput), GivenClaim)
        outcome = submit_claim(self.gateway, self.caller, given, account_id=account_id_of(request), key=key)
        if outcome.problem is not None and outcome.problem.code == MemberNotEligibleError.code:
            origin = Origin.DATABASE if outcome.is_replayed else Origin.UPSTREAM
            self.shown.add(given.member_id, "eligibility", origin)
        return self.answer_outcome(outcome, status=201)


class ChangingMixin(OutcomeViewSet):
    """`POST /claims/{member_id}/{claim_id}/cancel` and `/appeal`."""

    @shows(
        ClaimDetail,
        also={202: PendingSubmission},
        request=CancellationInput,
        parameters=(KEY_PARAMETER,),
        errors=ERRORS,
        headers=HEADERS,
        tags=["claims"],
        operation_id="cancelClaim",
    )
    @allowed(Resource.CLAIM_CHANGES)
    def cancel(self, request: Request, member_id: str, claim_id: str) -> HttpResponse:
        """Cancels a claim that is still submitted; otherwise 409."""
        reason = self.checked(CancellationInput).get("reason")
        return self._change(
            request, Operation.CANCEL, GivenChange(member_id=member_id, claim_id=claim_id, reason=reason)
        )

    @shows(
        ClaimDetail,
        also={202: PendingSubmission},
        request=AppealInput,
        parameters=(KEY_PARAMETER,),
        errors=ERRORS,
        headers=HEADERS,
        tags=["claims"],
        operation_id="appealClaim",
    )
    @allowed(Resource.CLAIM_CHANGES)
    def appeal(self, request: Request, member_id: str, claim_id: str) -> HttpResponse:
        """Sends a rejected claim back to processing; otherwise 409."""
        reason = self.checked(AppealInput)["reason"]
        return self._change(
            request, Operation.APPEAL, GivenChange(member_id=member_id, claim_id=claim_id, reason=reason)
        )

    def _change(self, request: Request, operation: Operation, given: GivenChange) -> HttpResponse:
        outcome = change_claim(
            self.gateway,
            self.caller,
            given,
            operation,
            account_id=account_id_of(request),
            key=idempotency_key_of(request),
        )
        return self.answer_outcome(outcome, status=200)


class SubmissionsViewSet(GatewayViewSet):
    """What became of what was sent."""

    @shows(Submission, headers={200: ("Retry-After",)}, tags=["claims"], operation_id="getSubmission")
    @signed_in
    def retrieve(self, request: Request, submission_id: str) -> HttpResponse:
        """How far a submission, cancellation or appeal has got.

        While it is pending, `Retry-After` says when to look again, and a look that comes no sooner does not count
        against the rate limit. Kept for 24 hours after its outcome is known. 404 for another account's, and once the
        account may not see that member's claim any more.
        """
        account_id = account_id_of(request)
        shown = submission_status(submission_id, self.caller, account_id=account_id, now=timezone.now())
        response = self.answer(shown)
        if shown.status is SubmissionStatus.PENDING:
            response.headers["Retry-After"] = str(LOOK_AGAIN_SECONDS)
            count = context_of(django_request(request)).count
            if count is not None:
                count.waive_once(shown.submission_id, LOOK_AGAIN_SECONDS)
        return response


def idempotency_key_of(request: Request) -> str | None:
    """The key that the portal sent, or None. Raises BadUserInputError."""
    return checked_key(request.META.get("HTTP_IDEMPOTENCY_KEY"))


def account_id_of(request: Request) -> str:
    """Whose request it is."""
    account_id = context_of(django_request(request)).account_id
    assert account_id is not None
    return account_id
