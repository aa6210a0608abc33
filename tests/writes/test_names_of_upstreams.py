"""Claims and providers whose names are no ids of the gateway's: the services call them as they like."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from claims.models import State, Submission
from gateway_clients.models import OutboxMessage
from sandbox.messages import Answer, json_answer
from sandbox.services import OPERATIONS
from tests.writes.portal import post, submit

pytestmark = pytest.mark.django_db

#: A claim's name → what staff see of it.
NAMES = {
    "2026/0042": "2026/0042",
    "klaim 7": "klaim 7",
    "a:b": "a:b",
    "*": "*",
    "": "",
    "é文": "é文",
    "x" * 65: "",
    "a\r\nSet-Cookie: a=b": "",
    "a\x00b": "",
}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Changes what an operation of the claims service answers, or makes it answer as another does."""

    def change(operation: str, *, like: str | None = None, **changes: Any) -> None:
        handle = OPERATIONS["claims"][like or operation]

        def changed(world: Any, question: Any) -> Answer:
            answer = handle(world, question)
            return json_answer(msgspec.json.decode(answer.body) | changes, answer.status)

        monkeypatch.setitem(OPERATIONS["claims"], operation, changed)

    return change


@pytest.mark.parametrize(("name", "column"), NAMES.items())
def test_a_claim_is_recorded_whatever_it_is_called(portal, answers, written, later, name: str, column: str) -> None:
    answers("submitClaim", id=name)
    client = portal()

    answer, again = submit(client, key="k-1"), submit(client, key="k-1")

    assert (answer.status_code, answer.json()["id"]) == (201, name), answer.content
    assert (again.status_code, again.json(), again.headers["Idempotency-Replayed"]) == (201, answer.json(), "true")
    assert "Location" not in answer.headers
    row = Submission.objects.get()
    assert (row.state, row.claim_id) == (State.SUBMITTED, column)
    shown = client.get(f"/api/v1/claims/submissions/{row.pk}").json()
    assert (shown["status"], shown["claim"]) == ("submitted", answer.json())
    later(5)
    assert not OutboxMessage.objects.exists()
    assert len(written()) == 1
    told = None if "\x00" in name else name
    assert [entry.body.get("claim_id") for entry in written("notification")] == [told]


@pytest.mark.parametrize("name", ["2026/0042", "a\x00b"])
def test_what_was_not_answered_is_settled_whatever_it_is_called(portal, answers, sandbox, later, name: str) -> None:
    answers("submitClaim", id=name)
    sandbox.fault("claims", "lost", operation="submitClaim", times=1)
    client = portal()

    pending = submit(client, key="k-1")
    later(1.5)

    assert pending.status_code == 202
    shown = client.get(f"/api/v1/claims/submissions/{pending.json()['submission_id']}").json()
    assert (shown["status"], shown["claim"]["id"]) == ("submitted", name)
    later(5)
    assert not OutboxMessage.objects.exists()


def test_the_members_views_are_dropped_all_the_same(portal, answers) -> None:
    answers("submitClaim", id="2026/0042")
    client = portal()

    def total() -> int:
        return int(client.get("/api/v1/claims/m-1?limit=1").json()["total"])

    before = total()
    assert total() == before
    assert submit(client).status_code == 201
    assert total() == before + 1


@pytest.mark.parametrize("name", ["2026/0042", "x" * 65, "a\x00b"])
@pytest.mark.parametrize(("verb", "status"), [("cancel", "submitted"), ("appeal", "rejected")])
def test_a_claim_changes_whatever_its_provider_is_called(portal, answers, verb: str, status: str, name: str) -> None:
    client = portal()
    claim_id = submit(client).json()["id"]
    provider = {"id": name, "name": "Klinik", "location": "Jakarta"}
    answers("getClaim", provider=provider, status=status)
    answers(f"{verb}Claim", like="getClaim")

    answer = post(client, f"claims/m-1/{claim_id}/{verb}", {"reason": "Because"}, "k-1")

    assert (answer.status_code, answer.json()["provider_id"]) == (200, name), answer.content
    row = Submission.objects.get(idempotency_key="k-1")
    assert (row.state, row.provider_id) == (State.SUBMITTED, NAMES[name])
