"""What a portal sees after an event: never the old value, whatever was cached or under way."""

import threading
from typing import Any

import pytest
import requests
from django.db import connections
from django.test import Client

from gateway_clients.invalidation.rules import DROPS, Change, Changed
from sandbox.testing import Sandbox
from tests.events.signing import tell
from tests.support.waiting import wait_until
from tests.upstreams import UPSTREAMS

pytestmark = pytest.mark.django_db
DASHBOARD = "/api/v1/dashboard/m-1"
#: Which of several senders SQLite lets in next is chance: on a busy machine one may wait for long.
PATIENCE_SECONDS = 120.0


def states_of(client: Client, path: str) -> dict[str, str]:
    """How each section of a view came about."""
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.content
    return {name: section["state"] for name, section in answer.json()["meta"]["sections"].items()}


def warm(client: Client, path: str) -> None:
    """Reads a view until all of it comes from the cache."""
    states_of(client, path)
    assert set(states_of(client, path).values()) == {"cached"}


def newest_claim(client: Client) -> dict[str, Any]:
    claim: dict[str, Any] = client.get(DASHBOARD).json()["recent_claims"][0]
    return claim


def move(sandbox: Sandbox, claim_id: str, status: str) -> None:
    """Moves a claim in the sandbox, which tells nobody."""
    url = f"{sandbox.url('claims')}/_sandbox/claims/{claim_id}/status"
    requests.post(url, json={"status": status}, timeout=5).raise_for_status()


EFFECTS = [effect for each in UPSTREAMS.values() for effect in each.effects]


@pytest.mark.parametrize(("event_type", "data", "role", "path", "dropped"), EFFECTS)
def test_an_event_drops_what_the_table_says_and_nothing_else(
    event_type: str, data, role: str, path: str, dropped: set[str], sandbox, portal
) -> None:
    client = portal(role)
    warm(client, path)

    assert tell(event_type, **data).status_code == 202

    assert {name for name, state in states_of(client, path).items() if state == "fresh"} == dropped


def test_the_table_of_drops_has_a_row_for_each_change() -> None:
    assert set(DROPS) == set(Changed)
    assert Change(changed=Changed.CLAIM, claim_id="c", member_id="m", provider_id="p").tags == {
        "claim:c",
        "member:m:claims",
        "member:m:summary",
        "member:m:dashboard",
        "provider:p:claims",
        "provider:p:summary",
        "provider:p:dashboard",
        "summary",
    }


def test_what_is_no_id_has_no_tag() -> None:
    named = Change(changed=Changed.CLAIM, claim_id="2026/0042", member_id="m", provider_id="*")

    assert named.tags == {"member:m:claims", "member:m:summary", "member:m:dashboard", "summary"}
    assert Change(changed=Changed.PROVIDER, provider_id="*").tags == {"provider"}


def test_a_claims_new_status_is_shown_at_once(sandbox, portal) -> None:
    client = portal()
    warm(client, "dashboard/m-1")
    claim = newest_claim(client)
    status = "rejected" if claim["status"] != "rejected" else "processing"
    move(sandbox, claim["id"], status)
    assert newest_claim(client)["status"] == claim["status"]

    tell("claim.status.changed", claim_id=claim["id"], member_id="m-1", provider_id=claim["provider_id"], status=status)

    assert newest_claim(client)["status"] == status


@pytest.mark.django_db(transaction=True)
def test_an_event_in_the_middle_of_a_fill_is_not_undone_by_it(sandbox, portal) -> None:
    client, other = portal(), portal()
    claim = newest_claim(client)
    status = "rejected" if claim["status"] != "rejected" else "processing"
    tell("member.updated", member_id="m-1")
    sandbox.reset()
    # The upstream puts its answer together, then takes its time to send it: the answer is the old one.
    sandbox.fault("claims", "drip", operation="listClaims", times=1, delay_seconds=0)
    reader = threading.Thread(target=lambda: (client.get(DASHBOARD), connections.close_all()))
    reader.start()
    wait_until(lambda: sandbox.calls("claims").in_flight)
    move(sandbox, claim["id"], status)

    tell("claim.status.changed", claim_id=claim["id"], member_id="m-1", provider_id=claim["provider_id"], status=status)

    assert newest_claim(other)["status"] == status
    reader.join(10)
    assert newest_claim(other)["status"] == status
    assert newest_claim(client)["status"] == status


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(180)
@pytest.mark.long
def test_a_burst_of_events_while_dashboards_are_read_leaves_nothing_old(sandbox, portal) -> None:
    clients = [portal() for _ in range(3)]
    claim = newest_claim(clients[0])
    data = {"claim_id": claim["id"], "member_id": "m-1", "provider_id": claim["provider_id"]}
    statuses: list[int] = []
    taken: list[int] = []
    is_over = threading.Event()

    def read(client: Client) -> None:
        while not is_over.is_set():
            statuses.append(client.get(DASHBOARD).status_code)
        connections.close_all()

    def burst(count: int) -> None:
        # Who has waited for a turn at SQLite for too long is told 503, and repeats the event, as real senders do.
        for _ in range(count):
            if is_over.is_set():
                break
            wait_until(lambda: tell("claim.status.changed", **data, status="any").status_code == 202, PATIENCE_SECONDS)
            taken.append(1)
        connections.close_all()

    readers = [threading.Thread(target=read, args=(client,)) for client in clients]
    senders = [threading.Thread(target=burst, args=(100,)) for _ in range(4)]
    for thread in (*readers, *senders):
        thread.start()
    try:
        for thread in senders:
            thread.join()
        status = "rejected" if claim["status"] != "rejected" else "processing"
        move(sandbox, claim["id"], status)
        wait_until(lambda: tell("claim.status.changed", **data, status=status).status_code == 202, PATIENCE_SECONDS)
        seen = {newest_claim(client)["status"] for client in clients for _ in range(5)}
    finally:
        is_over.set()
        for thread in (*readers, *senders):
            thread.join()

    assert seen == {status}
    assert set(statuses) == {200}
    assert len(taken) == 400
