"""Submitting, cancelling and appealing over GraphQL: the rules and the idempotency of REST, over the same rows."""

import uuid
from typing import Any

import pytest
from django.test import Client
from graphql import GraphQLInputObjectType

from bff_project.schema import schema
from claims import serializers
from gateway_clients.edge.graphql.type_registry import camel
from tests.upstream_answers import NOTIFICATION
from tests.writes.portal import SERVICE_DATE, a_claim
from tests.writes.portal import submit as submit_over_rest

SUBMIT = """mutation($c: ClaimInput!) { submitClaim(claimInput: $c) {
    id claimNumber status submissionId claim { id memberId totalAmount serviceDate actions }
} }"""
CANCEL = """mutation($c: String!, $k: String) { cancelClaim(memberId: "m-1", claimId: $c, idempotencyKey: $k) {
    id status submissionId claim { id status actions }
} }"""
APPEAL = 'mutation($c: String!, $r: String!) { appealClaim(memberId: "m-1", claimId: $c, reason: $r) { id status } }'
APPEAL_WHOLE = """mutation($c: String!, $r: String!) { appealClaim(memberId: "m-1", claimId: $c, reason: $r) {
    id status submissionId claim { id }
} }"""
CLAIM = {
    "memberId": "m-1",
    "providerId": "prov-1",
    "serviceDate": SERVICE_DATE,
    "items": [{"benefitCode": "CONS-GP", "amount": 150_000}],
}


def send(client: Client, query: str, key: str | None = None, **variables: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(
        "/graphql", {"query": query, "variables": variables}, content_type="application/json", headers=headers
    )


def a_rejected_claim(client: Client) -> str:
    query = '{ memberClaims(memberId: "m-1", status: rejected, limit: 1) { id } }'
    (claim,) = send(client, query).json()["data"]["memberClaims"]
    return str(claim["id"])


def code_of(answer: Any) -> str:
    (error,) = answer.json()["errors"]
    return error["extensions"]["code"]


def test_a_claim_is_submitted_once_for_each_key_over_both_doors(as_, sandbox) -> None:
    client = as_("member")

    first = send(client, SUBMIT, c=CLAIM | {"idempotencyKey": "key-1"})
    again = send(client, SUBMIT, key="key-1", c=CLAIM)
    over_rest = submit_over_rest(client, a_claim(), key="key-1")

    made = first.json()["data"]["submitClaim"]
    assert made["status"] == "submitted"
    assert made["claim"]["id"] == made["id"]
    assert (made["claim"]["totalAmount"], made["claim"]["serviceDate"]) == (150_000, SERVICE_DATE)
    assert again.json() == first.json()
    assert over_rest.json()["id"] == made["id"]
    assert [each.get("Idempotency-Replayed") for each in (first, again, over_rest)] == [None, "true", "true"]
    assert sandbox.calls("claims").by_operation["submitClaim"] == 1


def test_a_submission_can_be_looked_at(as_, sandbox) -> None:
    client = as_("member")
    made = send(client, SUBMIT, c=CLAIM).json()["data"]["submitClaim"]
    query = "query($s: String!) { submission(submissionId: $s) { submissionId status claim { id } error { code } } }"

    own = send(client, query, s=made["submissionId"])
    others = send(as_("other member"), query, s=made["submissionId"])

    assert own.json()["data"]["submission"] == {
        "submissionId": made["submissionId"],
        "status": "submitted",
        "claim": {"id": made["id"]},
        "error": None,
    }
    assert code_of(others) == "NOT_FOUND"


def test_what_nobody_knows_yet_is_pending(as_, sandbox) -> None:
    sandbox.fault("claims", "mute", operation="submitClaim")

    made = send(as_("member"), SUBMIT, c=CLAIM).json()["data"]["submitClaim"]

    assert (made["id"], made["claimNumber"], made["claim"], made["status"]) == (None, None, None, "pending")
    assert uuid.UUID(made["submissionId"])


@pytest.mark.parametrize(
    ("operation", "field", "query", "more"),
    [("cancelClaim", "cancelClaim", CANCEL, {}), ("appealClaim", "appealClaim", APPEAL_WHOLE, {"r": "Look again."})],
)
def test_a_change_whose_outcome_is_not_known_is_pending(operation, field, query, more, as_, sandbox) -> None:
    client = as_("member")
    claim_id = a_rejected_claim(client) if more else send(client, SUBMIT, c=CLAIM).json()["data"]["submitClaim"]["id"]
    sandbox.fault("claims", "mute", operation=operation)

    answer = send(client, query, c=claim_id, **more).json()

    assert "errors" not in answer
    made = answer["data"][field]
    assert (made["id"], made["claim"], made["status"]) == (None, None, "pending")
    looked = send(client, "query($s: String!) { submission(submissionId: $s) { id status } }", s=made["submissionId"])
    assert looked.json()["data"]["submission"] == {"id": made["submissionId"], "status": "pending"}


def test_a_claim_is_cancelled_once_and_then_it_is_too_late(as_, sandbox) -> None:
    client = as_("member")
    claim_id = send(client, SUBMIT, c=CLAIM).json()["data"]["submitClaim"]["id"]

    cancelled = send(client, CANCEL, c=claim_id, k="a")
    again = send(client, CANCEL, c=claim_id, k="a")
    anew = send(client, CANCEL, c=claim_id, k="b")
    appealed = send(client, APPEAL, c=claim_id, r="Please look again.")

    made = cancelled.json()["data"]["cancelClaim"]
    assert (made["id"], made["status"]) == (claim_id, "submitted")
    assert made["claim"] == {"id": claim_id, "status": "cancelled", "actions": []}
    assert again.json() == cancelled.json()
    assert again["Idempotency-Replayed"] == "true"
    assert (code_of(anew), code_of(appealed)) == ("CONFLICT", "CONFLICT")


def test_all_notifications_are_marked_as_read(as_, sandbox) -> None:
    client = as_("member")
    unread = '{ memberProfile(memberId: "m-1") { notificationPage(limit: 1) { unreadCount } } }'
    mark = 'mutation { markAllNotificationsRead(memberId: "m-1") { read } }'
    before = send(client, unread).json()["data"]["memberProfile"]["notificationPage"]["unreadCount"]

    marked = [send(client, mark).json()["data"]["markAllNotificationsRead"]["read"] for _ in range(2)]

    assert marked == [before, 0]
    assert before > 0
    assert send(client, unread).json()["data"]["memberProfile"]["notificationPage"]["unreadCount"] == 0


@pytest.mark.parametrize(
    ("who", "marked", "asked"),
    [
        ("provider", {"id": "n-1", "isRead": True}, ["/notifications/n-1/read?provider_id=p-1"]),
        ("other provider", None, []),
        ("member", None, []),
        (None, None, []),
    ],
)
def test_a_provider_marks_a_notification_of_its_own(who: str | None, marked: Any, asked, as_, upstreams) -> None:
    read = {**NOTIFICATION, "member_id": None, "provider_id": "p-1", "is_read": True}
    upstreams.answers["markNotificationRead"] = read

    answer = send(
        as_(who), 'mutation { markProviderNotificationRead(providerId: "p-1", notificationId: "n-1") { id isRead } }'
    )

    assert answer.json()["data"] == {"markProviderNotificationRead": marked}
    assert upstreams.targets == asked
    assert marked is not None or code_of(answer) == ("FORBIDDEN" if who else "UNAUTHENTICATED")


def test_anothers_notifications_are_not_marked(as_, sandbox) -> None:
    answer = send(as_("other member"), 'mutation { markAllNotificationsRead(memberId: "m-1") { read } }')

    assert code_of(answer) == "FORBIDDEN"
    assert sandbox.calls("notification").total == 0


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"items": []}, ["items"]),
        ({"items": [{"benefitCode": "CONS-GP", "amount": 1.5}]}, ["items.0.amount"]),
        ({"items": [{"benefitCode": "CONS-GP", "amount": 0}]}, ["items.0.amount"]),
        ({"items": [{"benefitCode": "CONS-GP", "amount": 1, "quantity": 1000}]}, ["items.0.quantity"]),
        ({"serviceDate": "2999-01-01"}, ["serviceDate"]),
        ({"memberId": "m/1"}, ["memberId"]),
        ({"notes": "x" * 2001}, ["notes"]),
        ({"idempotencyKey": "é"}, ["idempotencyKey"]),
    ],
)
def test_input_that_breaks_a_rule_names_its_field_and_nothing_is_sent(changes, fields, as_, sandbox) -> None:
    answer = send(as_("admin"), SUBMIT, c=CLAIM | changes)

    assert answer.json()["data"] == {"submitClaim": None}
    assert code_of(answer) == "BAD_USER_INPUT"
    assert list(answer.json()["errors"][0]["extensions"]["errors"]) == fields
    assert sandbox.calls("policy").total == 0


def test_an_amount_without_end_is_bad_input(as_, sandbox) -> None:
    query = (
        f'mutation {{ submitClaim(claimInput: {{ memberId: "m-1", providerId: "prov-1", serviceDate: "{SERVICE_DATE}", '
        'items: [{ benefitCode: "CONS-GP", amount: 1e999 }] }) { id } }'
    )

    assert code_of(send(as_("member"), query)) == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"unknown": 1}, "BAD_USER_INPUT"), ({"items": [{"benefitCode": "CONS-GP"}]}, "BAD_USER_INPUT")],
)
def test_input_of_another_shape_is_refused_as_a_whole(changes, code: str, as_, sandbox) -> None:
    answer = send(as_("member"), SUBMIT, c=CLAIM | changes)

    assert "data" not in answer.json()
    assert code_of(answer) == code


def test_another_members_claim_is_forbidden_and_nobody_is_called(as_, sandbox) -> None:
    answer = send(as_("other member"), SUBMIT, c=CLAIM)

    assert code_of(answer) == "FORBIDDEN"
    assert sandbox.calls("policy").total == 0


def test_a_member_who_is_not_eligible_is_told_why(as_, sandbox) -> None:
    day_before = CLAIM | {"providerId": "prov-404"}

    answer = send(as_("member"), SUBMIT, c=day_before)

    assert code_of(answer) == "BAD_USER_INPUT"
    assert answer.json()["errors"][0]["extensions"]["errors"] == {"providerId": ["There is no such provider."]}


def test_a_service_date_may_be_a_moment(as_, sandbox) -> None:
    answer = send(as_("member"), SUBMIT, c=CLAIM | {"serviceDate": f"{SERVICE_DATE}T12:00:00+07:00"})

    assert answer.json()["data"]["submitClaim"]["claim"]["serviceDate"] == SERVICE_DATE


@pytest.mark.parametrize(
    ("kind", "serializer", "more"),
    [("ClaimInput", serializers.ClaimInput, {"idempotencyKey"}), ("ClaimItemInput", serializers.ClaimItemInput, set())],
)
def test_the_input_has_the_fields_of_rest(kind: str, serializer: Any, more: set[str]) -> None:
    given = schema.graphql_schema.type_map[kind]

    assert isinstance(given, GraphQLInputObjectType)
    assert set(given.fields) == set(map(camel, serializer().fields)) | more
