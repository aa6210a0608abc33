"""Looking after a pending submission costs nothing of the rate limit, and the answer says when to look again."""

import re
from typing import Any

import pytest
from django.test import Client

from claims.models import Submission
from tests.writes.portal import submit

pytestmark = pytest.mark.django_db

LOOK = "query ($id: String!) { submission(submissionId: $id) { status } }"
BY_FRAGMENT = """
    query ($id: String!, $no: Boolean = false) {
      __typename
      ...Look
      me @include(if: $no) { id }
    }
    fragment Look on Query { it: submission(submissionId: $id) { status } }
"""


@pytest.fixture
def lost(portal, sandbox) -> Any:
    """Makes a client whose one submission is pending: the client, the 202 and the id."""
    sandbox.fault("claims", "lost", operation="submitClaim")
    client = portal()
    answer = submit(client, key="k-1")
    sandbox.clear()
    return client, answer, str(Submission.objects.get().pk)


def asked(client: Client, submission_id: str, query: str = LOOK) -> Any:
    body = {"query": query, "variables": {"id": submission_id}}
    return client.post("/graphql", body, content_type="application/json")


def left(answer: Any) -> int:
    """What is left of the limit, as the answer says."""
    found = re.search(r"r=(\d+)", answer.headers["RateLimit"])
    assert found is not None
    return int(found[1])


def test_a_look_costs_nothing_when_it_comes_as_told_and_one_when_sooner(lost) -> None:
    client, answer, _ = lost

    first, too_soon = [client.get(answer.headers["Location"]) for _ in range(2)]

    assert (first.json()["status"], first.headers["Retry-After"]) == ("pending", "2")
    assert [left(first), left(too_soon)] == [left(answer), left(answer) - 1]


@pytest.mark.parametrize(("query", "name"), [(LOOK, "submission"), (BY_FRAGMENT, "it")])
def test_so_does_a_look_over_graphql(lost, query: str, name: str) -> None:
    client, answer, submission_id = lost

    first, too_soon = [asked(client, submission_id, query) for _ in range(2)]

    assert [each.json()["data"][name]["status"] for each in (first, too_soon)] == ["pending"] * 2
    assert [each.headers["Retry-After"] for each in (first, too_soon)] == ["2", "2"]
    assert [left(first), left(too_soon)] == [left(answer), left(answer) - 1]


def test_one_looks_as_often_over_both_as_over_one(lost) -> None:
    client, answer, submission_id = lost

    looks = [client.get(answer.headers["Location"]), asked(client, submission_id)]

    assert [left(each) for each in looks] == [left(answer), left(answer) - 1]


def test_one_may_look_when_nothing_is_left(lost, settings) -> None:
    client, _, submission_id = lost
    settings.RATE_LIMIT_MAX = 17  # counted apart from the limits of other tests
    assert [asked(client, "no-id").status_code for _ in range(18)] == [200] * 17 + [429]

    shown = asked(client, submission_id)

    assert (shown.status_code, shown.json()["data"]) == (200, {"submission": {"status": "pending"}})


@pytest.mark.parametrize(
    "beside", ["me { id }", "other: submission(submissionId: $id) { status }", "__schema { description }"]
)
def test_what_is_asked_for_beside_it_counts(lost, beside: str) -> None:
    client, answer, submission_id = lost

    shown = asked(client, submission_id, LOOK.replace("{ status } }", f"{{ status }} {beside} }}"))

    assert shown.json()["data"]["submission"] == {"status": "pending"}
    assert (left(shown), shown.headers["Retry-After"]) == (left(answer) - 1, "2")


def test_looking_after_what_is_settled_or_not_there_counts(lost, later) -> None:
    client, answer, submission_id = lost
    later(1.5)

    looks = [client.get(answer.headers["Location"]), asked(client, submission_id)]
    unknown = asked(client, "00000000-0000-4000-8000-000000000000")

    assert looks[0].json()["status"] == looks[1].json()["data"]["submission"]["status"] == "submitted"
    assert [left(each) for each in (*looks, unknown)] == [left(answer) - 1, left(answer) - 2, left(answer) - 3]
    assert not any("Retry-After" in each.headers for each in (*looks, unknown))


def test_a_mutation_whose_outcome_is_not_known_says_when_to_look(portal, sandbox) -> None:
    client = portal()
    claim_id = submit(client).json()["id"]
    sandbox.fault("claims", "lost", operation="cancelClaim", times=1)
    query = f'mutation {{ cancelClaim(memberId: "m-1", claimId: "{claim_id}", idempotencyKey: "k") {{ status }} }}'

    answer = client.post("/graphql", {"query": query}, content_type="application/json")

    assert answer.json()["data"] == {"cancelClaim": {"status": "pending"}}
    assert answer.headers["Retry-After"] == "2"
