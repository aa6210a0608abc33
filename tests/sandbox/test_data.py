"""The data is the same for the same seed and day, plausible, and hangs together over the services."""

import re
from collections import Counter
from dataclasses import fields
from datetime import date, timedelta

import msgspec
import pytest

from sandbox.services.policy import refusal
from sandbox.world.plans import OFFERED
from sandbox.world.state import World, make_world
from tests.sandbox.conftest import TODAY


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(7, TODAY)


def contents(world: World) -> bytes:
    return msgspec.json.encode(world.collections)


def test_the_same_seed_and_day_make_the_same_data(world: World) -> None:
    assert contents(make_world(7, TODAY)) == contents(world)


def test_another_seed_makes_other_data(world: World) -> None:
    assert contents(make_world(8, TODAY)) != contents(world)


def test_nothing_of_a_world_is_left_out_of_its_collections(world: World) -> None:
    beside = {"clock", "contents", "lock", "listed", "listed_by_owner", "tell"}
    assert set(world.collections) == {each.name for each in fields(World)} - beside
    assert all(world.collections.values())


def test_there_is_as_much_as_the_demo_needs(world: World) -> None:
    assert list(world.members) == [f"m-{number}" for number in range(1, 301)]
    assert list(world.providers) == [f"prov-{number}" for number in range(1, 41)]
    assert len({provider["name"] for provider in world.providers.values()}) == 40
    assert sum(not provider["is_active"] for provider in world.providers.values()) == 4
    assert len(world.claims) == 6000
    assert {len(benefits) for benefits in world.benefits.values()} == {8, 9, 10, 11, 12}
    assert {coverage["status"] for coverage in world.coverages.values()} == {
        "active",
        "grace_period",
        "suspended",
        "expired",
    }


def test_the_first_member_is_siti_rahayu_on_gold_with_recent_claims_in_every_status(world: World) -> None:
    siti = world.members["m-1"]
    claims = world.listed_by_owner["m-1"]
    recent = {claim["status"] for claim in claims if claim["service_date"] >= (TODAY - timedelta(days=60)).isoformat()}

    assert (siti["first_name"], siti["last_name"], siti["plan"]["name"]) == ("Siti", "Rahayu", "Askes Gold")
    assert (siti["status"], siti["enrollment_date"]) == ("active", "2019-03-01")
    assert (world.coverages["m-1"]["status"], world.coverages["m-1"]["plan_name"]) == ("active", "Askes Gold")
    assert recent == {"submitted", "processing", "approved", "rejected", "paid", "cancelled"}
    assert len(claims) >= 59


def test_e_mails_and_phones_lead_nowhere(world: World) -> None:
    for member in world.members.values():
        assert re.fullmatch(r"[a-z]+\.[a-z]+[0-9]*@example\.(com|id)", member["email"])
        assert member["phone"].startswith("+62 000 ")
    assert len({member["email"] for member in world.members.values()}) == 300


def test_claims_reach_over_three_years_up_to_today(world: World) -> None:
    dates = [date.fromisoformat(claim["service_date"]) for claim in world.claims.values()]

    assert max(dates) == TODAY
    assert timedelta(days=1060) < TODAY - min(dates) <= timedelta(days=1400)
    assert len({claim["claim_number"] for claim in world.claims.values()}) == 6000


def test_every_history_leads_to_the_claims_status_and_never_goes_back_in_time(world: World) -> None:
    orders = Counter()
    for claim in world.claims.values():
        times = [step["at"] for step in claim["history"]]
        assert claim["history"][-1]["status"] == claim["status"]
        assert times == sorted(times)
        assert times[0] == claim["submitted_at"] <= times[-1] <= f"{TODAY}T00:00:00Z"
        orders[" ".join(step["status"] for step in claim["history"])] += 1
        assert (claim["approved_amount"] is not None) == (claim["status"] in ("approved", "paid"))
        assert (claim["rejection_reason"] is not None) == (claim["status"] == "rejected")
        assert claim["total_amount"] == sum(item["amount"] * item["quantity"] for item in claim["items"])

    assert set(orders) == {
        "submitted",
        "submitted processing",
        "submitted processing approved",
        "submitted processing approved paid",
        "submitted processing rejected",
        "submitted cancelled",
    }


def test_the_services_agree_with_each_other(world: World) -> None:
    for claim in world.claims.values():
        assert claim["provider"]["name"] == world.providers[claim["provider"]["id"]]["name"]
        codes = {benefit["code"] for benefit in world.benefits[claim["member_id"]]}
        assert {item["benefit_code"] for item in claim["items"]} <= codes
        assert {item["benefit_code"] for item in claim["items"]} <= OFFERED[
            world.providers[claim["provider"]["id"]]["type"]
        ]
        assert claim["service_date"] >= world.coverages[claim["member_id"]]["effective_date"]
    paid = {claim["id"] for claim in world.claims.values() if claim["status"] == "paid"}
    payments = world.payments.by_id.values()
    assert {row["claim_id"] for row in payments if row["status"] == "paid"} == paid
    assert {row["claim_id"] for row in payments} == paid
    assert all(row["amount"] == world.claims[row["claim_id"]]["approved_amount"] for row in payments)
    for row in world.notifications.by_id.values():
        assert (row["member_id"] is None) != (row["provider_id"] is None)
        assert row["claim_id"] is None or row["claim_id"] in world.claims
    for document in world.documents.by_id.values():
        assert world.claims[document["claim_id"]]["member_id"] == document["member_id"]


def test_every_document_is_a_pdf_of_the_size_that_is_told(world: World) -> None:
    documents = list(world.documents.by_id.values())[::97]
    for document in documents:
        content = world.content_of(document)
        assert len(content) == document["size_bytes"]
        start = int(content.rsplit(b"startxref\n", 1)[1].split()[0])
        assert content[start : start + 5] == b"xref\n"
        for number, line in enumerate(content[start:].split(b"\n")[3:8], start=1):
            offset = int(line[:10])
            assert content[offset:].startswith(b"%d 0 obj\n" % number)
    assert len(documents) > 100


def test_who_is_not_covered_is_refused_with_the_reason(world: World) -> None:
    reasons = {
        (refusal(world, member_id, TODAY) or "eligible").split(" on ")[0]
        for member_id in world.members
        if world.members[member_id]["status"] == "active"
    }

    assert reasons == {"eligible", "Coverage is suspended", "Coverage expired"}
    assert refusal(world, "m-1", TODAY + timedelta(days=1)) == "Service date is in the future"
    assert refusal(world, "m-1", date(2019, 2, 28)) == "Coverage began on 2019-03-01"
