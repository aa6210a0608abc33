"""Cancelling and appealing: allowed by status and role, once for each key."""

import pytest
import requests

from claims.models import Submission
from gateway_clients.models import OutboxMessage
from tests.writes.portal import post, submit
from tests.writes.test_submitting import calls

pytestmark = pytest.mark.django_db
ALLOWED = {"cancel": "submitted", "appeal": "rejected"}
BECOMES = {"cancel": "cancelled", "appeal": "processing"}
REASON = {"reason": "Because"}


@pytest.fixture
def claim(portal, sandbox):
    """Makes a claim of m-1 at prov-1 in a status; its id."""

    def make(status: str = "submitted") -> str:
        claim_id = submit(portal()).json()["id"]
        if status != "submitted":
            url = f"{sandbox.url('claims')}/_sandbox/claims/{claim_id}/status"
            requests.post(url, json={"status": status}, timeout=5).raise_for_status()
        sandbox.reset()
        return claim_id

    return make


@pytest.mark.parametrize("verb", ALLOWED)
@pytest.mark.parametrize("who", ["member", "provider", "admin"])
def test_it_is_done_and_shown(portal, claim, written, verb, who) -> None:
    claim_id = claim(ALLOWED[verb])

    answer = post(portal(who), f"claims/m-1/{claim_id}/{verb}", REASON, "k-1")

    assert (answer.status_code, answer.json()["id"], answer.json()["status"]) == (200, claim_id, BECOMES[verb])
    assert written()[-1].body == REASON
    assert written()[-1].idempotency_key == Submission.objects.get(idempotency_key="k-1").upstream_key


@pytest.mark.parametrize("verb", ALLOWED)
@pytest.mark.parametrize("status", ["submitted", "processing", "approved", "rejected", "paid", "cancelled"])
def test_a_status_that_does_not_allow_it_is_409_and_nothing_is_sent(portal, claim, sandbox, verb, status) -> None:
    if status == ALLOWED[verb]:
        return
    claim_id = claim(status)
    client = portal()

    answer = post(client, f"claims/m-1/{claim_id}/{verb}", REASON, "k-1")

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert (
        answer.json()["detail"]
        == f"A claim that is {status} cannot be {'cancelled' if verb == 'cancel' else 'appealed'}"
    )
    assert sandbox.calls("claims").by_operation == {"getClaim": 1}
    again = post(client, f"claims/m-1/{claim_id}/{verb}", REASON, "k-1")
    assert (again.content, again.headers["Idempotency-Replayed"]) == (answer.content, "true")


@pytest.mark.parametrize("verb", ALLOWED)
@pytest.mark.parametrize(
    ("who", "address", "status", "asked"),
    [
        ("other member", "claims/m-1/{}", 403, {}),
        ("nobody", "claims/m-1/{}", 403, {}),
        ("other member", "claims/m-2/{}", 404, {"claims": 1}),
        ("other provider", "claims/m-1/{}", 404, {"claims": 1}),
        ("admin", "claims/m-2/{}", 404, {"claims": 1}),
        ("member", "claims/m-1/clm-none", 404, {"claims": 1}),
    ],
)
def test_somebody_elses_is_refused_and_only_the_read_that_tells_was_made(
    portal, claim, sandbox, verb, who, address, status, asked
) -> None:
    path = address.format(claim(ALLOWED[verb]))

    answer = post(portal(who), f"{path}/{verb}", REASON, "k-1")

    assert answer.status_code == status
    assert calls(sandbox) == asked
    assert not Submission.objects.filter(idempotency_key="k-1").exists()


def test_a_repeat_is_answered_the_same_and_nothing_happens(portal, claim, sandbox, written) -> None:
    client, claim_id = portal(), claim()
    first = post(client, f"claims/m-1/{claim_id}/cancel", {}, "k-1")
    sandbox.reset()

    again = post(client, f"claims/m-1/{claim_id}/cancel", {}, "k-1")

    assert (again.status_code, again.content, again.headers["Idempotency-Replayed"]) == (200, first.content, "true")
    assert calls(sandbox) == {}
    other = post(client, f"claims/m-1/{claim_id}/cancel", {"reason": "other"}, "k-1")
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


def test_the_claim_is_read_from_its_service_and_not_from_the_cache(portal, claim, sandbox) -> None:
    client, claim_id = portal(), claim()
    client.get(f"/api/v1/claims/m-1/{claim_id}")
    requests.post(
        f"{sandbox.url('claims')}/_sandbox/claims/{claim_id}/status", json={"status": "processing"}, timeout=5
    ).raise_for_status()

    assert post(client, f"claims/m-1/{claim_id}/cancel", {}).status_code == 409


def test_the_next_read_shows_it_and_nobody_is_notified(portal, claim, later, written) -> None:
    client, claim_id = portal(), claim()
    later()
    told = len(written("notification"))
    client.get(f"/api/v1/claims/m-1/{claim_id}")

    post(client, f"claims/m-1/{claim_id}/cancel", {})

    assert client.get(f"/api/v1/claims/m-1/{claim_id}").json()["status"] == "cancelled"
    later()
    assert len(written("notification")) == told
    assert not OutboxMessage.objects.filter(kind="notification.send").exists()


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("cancel", {"reason": 5}, "reason"),
        ("cancel", {"reason": "x" * 2001}, "reason"),
        ("cancel", {"why": "x"}, "why"),
        ("appeal", {}, "reason"),
        ("appeal", {"reason": ""}, "reason"),
        ("appeal", {"reason": "  "}, "reason"),
        ("appeal", {"reason": None}, "reason"),
    ],
)
def test_bad_input_names_its_field_and_nobody_is_asked(portal, claim, sandbox, verb, body, field) -> None:
    answer = post(portal(), f"claims/m-1/{claim(ALLOWED[verb])}/{verb}", body)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert calls(sandbox) == {}


def test_a_refused_connection_is_503_and_nothing_is_kept(portal, claim, sandbox) -> None:
    claim_id = claim()
    sandbox.refuse("claims")

    answer = post(portal(), f"claims/m-1/{claim_id}/cancel", {}, "k-1")

    assert answer.status_code == 503
    assert not Submission.objects.filter(idempotency_key="k-1").exists()
