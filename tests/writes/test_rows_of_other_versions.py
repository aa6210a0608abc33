"""Rows of submissions that another version of the gateway wrote: what the last release kept is read as it was meant,
and what this version cannot read is not an error of its own.
"""

import datetime
from typing import Any, Final

import msgspec
import pytest
from django.test import Client
from django.utils import timezone

from claims.models import LIFE, Operation, State, Submission
from claims.submissions.commands import Asked, GivenChange, GivenClaim
from claims.submissions.reconciliation import reconcile
from claims.submissions.recorded_outcome import outcome_of
from claims.submissions.verdict import call_of
from gateway_clients.gateway import Gateway
from gateway_clients.outbox.errors import LaterError
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.services.claims import NewClaimItem

#: What the last release has written down: a claim as its service had to send it, a refusal, and what was sent.
CLAIM: Final = {
    "id": "clm-1",
    "claim_number": "2026-000001",
    "member_id": "m-1",
    "status": "submitted",
    "service_date": "2026-03-01",
    "total_amount": 500_000,
}
PROBLEM: Final = {
    "title": "Refused",
    "status": 422,
    "detail": "Refused by the claims service.",
    "code": "upstream_refused",
    "request_id": "request-of-then",
}
SENT: Final = (
    b'{"member_id":"m-1","provider_id":"prov-1","service_date":"2026-03-01",'
    b'"items":[{"benefit_code":"CONS-GP","amount":150000}],'
    b'"eligibility":{"is_eligible":true},"benefit_validations":[],"submitted_by":"7"}'
)
#: What a request was known again by, which must stay the same for as long as keys live.
FINGERPRINTS: Final = {
    b'["submit",{"member_id":"m-1","provider_id":"prov-1","service_date":"2026-03-01",'
    b'"items":[{"benefit_code":"CONS-GP","amount":150000}]}]': (
        Operation.SUBMIT,
        GivenClaim(
            member_id="m-1",
            provider_id="prov-1",
            service_date=datetime.date(2026, 3, 1),
            items=(NewClaimItem(benefit_code="CONS-GP", amount=150_000),),
        ),
    ),
    b'["cancel",{"member_id":"m-1","claim_id":"clm-1"}]': (
        Operation.CANCEL,
        GivenChange(member_id="m-1", claim_id="clm-1"),
    ),
}
QUERY: Final = "query($id: String!) { submission(submissionId: $id) { status } }"


def a_row(state: State, answer: Any = None, account_id: str = "7") -> Submission:
    """A row that says this."""
    now = timezone.now()
    row = Submission(
        account_id=account_id,
        operation=Operation.SUBMIT,
        member_id="m-1",
        provider_id="prov-1",
        state=state,
        leased_until=now,
        expires_at=now + LIFE,
        asked=b"",
    )
    row.answer = None if answer is None else row.seal("answer", msgspec.msgpack.encode(answer))
    return row


def test_a_claim_that_the_last_release_kept_is_shown() -> None:
    claim = outcome_of(a_row(State.SUBMITTED, CLAIM), is_replayed=True).claim

    assert claim is not None
    assert (claim.id, claim.total_amount, claim.items) == ("clm-1", 500_000, ())


def test_a_refusal_that_the_last_release_kept_is_shown() -> None:
    problem = outcome_of(a_row(State.REFUSED, PROBLEM), is_replayed=True).problem

    assert problem is not None
    assert msgspec.to_builtins(problem) == PROBLEM


def test_what_the_last_release_has_sent_is_sent_again_byte_for_byte() -> None:
    assert call_of(a_row(State.UNKNOWN), SENT).body == SENT


@pytest.mark.parametrize("fingerprint", FINGERPRINTS)
def test_a_request_of_before_is_known_again(fingerprint: bytes) -> None:
    operation, given = FINGERPRINTS[fingerprint]

    assert Asked(operation=operation, account_id="7", key="k-1", given=given).fingerprint == fingerprint


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "answer", "operation"),
    [
        (State.REFUSED, PROBLEM | {"code": "a_code_of_the_next_version"}, Operation.SUBMIT),
        (State.SUBMITTED, {name: value for name, value in CLAIM.items() if name != "status"}, Operation.SUBMIT),
        (State.SUBMITTED, CLAIM | {"total_amount": "500000 IDR"}, Operation.SUBMIT),
        (State.SUBMITTED, CLAIM, "amend"),
    ],
    ids=["a new code", "a field that went", "a field of another type", "an operation of the next version"],
)
def test_what_this_version_cannot_read_is_answered_by_another_one(
    portal, state: State, answer: Any, operation: str
) -> None:
    client: Client = portal()
    row = a_row(state, answer, account_id=client.account_id)
    row.operation = operation
    row.save()

    over_rest = client.get(f"/api/v1/claims/submissions/{row.pk}")
    body = {"query": QUERY, "variables": {"id": str(row.pk)}}
    over_graphql = client.post("/graphql", body, content_type="application/json").json()

    assert (over_rest.status_code, over_rest.json()["code"]) == (503, "upstream_unavailable")
    assert int(over_rest.headers["Retry-After"]) >= 1
    assert over_graphql["data"] == {"submission": None}
    assert over_graphql["errors"][0]["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("operation", "sent"),
    [("amend", b'{"reason":"typed it wrong"}'), (Operation.CANCEL, b'{"reason":["typed","wrong"]}')],
    ids=["an operation of the next version", "a field of another type"],
)
def test_what_this_version_cannot_send_again_is_left_to_another_one(written, operation: str, sent: bytes) -> None:
    row = a_row(State.UNKNOWN)
    row.operation = operation
    row.sent = row.seal("sent", sent)
    row.save()

    with pytest.raises(LaterError, match="Another version"):
        reconcile(str(row.pk), Gateway(request_id="of-a-worker", deadline=Deadline.after(10)), now=timezone.now())

    assert written() == []
