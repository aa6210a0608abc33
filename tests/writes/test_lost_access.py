"""An account that has lost the member, the provider or the role by which it saw a claim, and looks again."""

from typing import Any

import pytest
from django.test import Client

from claims.models import Submission
from members.models import Account
from tests.writes.portal import a_claim, post, submit

pytestmark = pytest.mark.django_db

#: who submitted → what the account is after that
LOST: dict[str, dict[str, Any]] = {
    "member": {"member_id": "m-2"},
    "provider": {"provider_id": "prov-2"},
    "admin": {"is_admin": False},
}
SUBMISSION = "query($id: String!) { submission(submissionId: $id) { status claim { id } error { code } } }"
NO_LONGER = [*LOST.items(), ("member", {"member_id": None, "provider_id": "prov-2"}), ("admin", LOST["member"])]
FAULTS = {"submitted": {}, "pending": {"kind": "error"}, "refused": {"kind": "status", "status": 422}}


def become(client: Client, **fields: Any) -> None:
    """Makes the client's account another at this moment."""
    is_admin = {"is_admin": False} if "is_admin" not in fields else {}
    Account.objects.filter(pk=client.account_id).update(**is_admin, **fields)


def submission_id() -> str:
    """The one that there is."""
    return str(Submission.objects.get().pk)


def look_over_graphql(client: Client) -> Any:
    body = {"query": SUBMISSION, "variables": {"id": submission_id()}}
    return client.post("/graphql", body, content_type="application/json").json()


@pytest.mark.parametrize("status", FAULTS)
@pytest.mark.parametrize(("who", "after"), NO_LONGER)
def test_a_submission_is_not_found_any_more(portal, sandbox, status: str, who: str, after: dict[str, Any]) -> None:
    client = portal(who)
    if FAULTS[status]:
        sandbox.fault("claims", operation="submitClaim", **FAULTS[status])
    submit(client, key="k-1")
    path = f"/api/v1/claims/submissions/{submission_id()}"
    assert client.get(path).json()["status"] == status
    assert look_over_graphql(client)["data"]["submission"]["status"] == status

    become(client, **after)

    assert (client.get(path).status_code, client.get(path).json()["code"]) == (404, "not_found")
    shown = look_over_graphql(client)
    assert shown["data"] == {"submission": None}
    assert shown["errors"][0]["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("who", LOST)
def test_a_repeat_of_a_submission_is_refused(portal, written, who: str) -> None:
    client = portal(who)
    assert submit(client, key="k-1").status_code == 201

    become(client, **LOST[who])

    again = submit(client, key="k-1")
    assert (again.status_code, again.json()["code"]) == (403, "forbidden")
    assert len(written()) == 1


@pytest.mark.parametrize("verb", ["cancel", "appeal"])
def test_a_repeat_of_a_change_shows_a_provider_no_claim_at_another(portal, written, sandbox, verb: str) -> None:
    client = portal("provider")
    claim_id = submit(portal()).json()["id"]
    first = post(client, f"claims/m-1/{claim_id}/{verb}", {"reason": "Because"}, "k-1")
    # The claim is submitted: it can be cancelled, and that it cannot be appealed says how it stands.
    assert first.status_code == {"cancel": 200, "appeal": 409}[verb]
    assert post(client, f"claims/m-1/{claim_id}/{verb}", {"reason": "Because"}, "k-1").json() == first.json()
    before = len(written())

    become(client, provider_id="prov-2")

    again = post(client, f"claims/m-1/{claim_id}/{verb}", {"reason": "Because"}, "k-1")
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    assert len(written()) == before


def test_who_gains_a_role_goes_on_seeing_it(portal, sandbox) -> None:
    client = portal("provider")
    made = submit(client, a_claim(), key="k-1").json()
    become(client, provider_id=None, is_admin=True)

    shown = client.get(f"/api/v1/claims/submissions/{submission_id()}").json()

    assert shown["claim"] == made
