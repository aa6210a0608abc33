"""One of two machines loses a server, or all of them, without a word: what it promises then, and that it recovers."""

import json
from contextlib import suppress
from itertools import count
from typing import Final

import pytest

from tests.cluster.network import BROKER, POSTGRES, REDIS, Machine
from tests.cluster.site import JSON, Site, tell
from tests.support.gateway import RunningGateway
from tests.support.waiting import wait_until
from tests.writes.portal import a_claim

pytestmark = [pytest.mark.alone, pytest.mark.long, pytest.mark.timeout(300)]

MEMBER: Final = "/api/v1/members/m-1"
#: The budget of a read, and what it may be late by.
READ_SECONDS: Final = 3.5
#: Of a process's lease, by which those wait that drop something, and of the others' worker.
LEASE_SECONDS: Final = 2.0
DROPPED_SECONDS: Final = 1.0
#: For a machine that is busy with other things.
SLACK_SECONDS: Final = 1.0
RETURN_SECONDS: Final = 15.0
#: So many on connections of their own reach every process of a gateway.
READS: Final = 12
_numbers: Final = count()


def new_phone() -> str:
    return f"+62 812 {next(_numbers):06}"


def phone_at(gateway: RunningGateway) -> str:
    return str(gateway.get(MEMBER).json["personal"]["phone"])


def is_near(gateway: RunningGateway) -> bool:
    """Whether all its processes answer from memory."""
    replies = [gateway.get(MEMBER) for _ in range(READS)]
    return all(reply.headers.get("cache-status", "").endswith("detail=near") for reply in replies)


def state_at(gateway: RunningGateway, server: str) -> str:
    return str(gateway.ask("GET", "/health").json["checks"][server])


def assert_probes_pass(gateway: RunningGateway) -> None:
    for probe in ("live", "ready"):
        reply = gateway.ask("GET", f"/health/{probe}")
        assert (reply.status, reply.seconds < SLACK_SECONDS) == (200, True)


def assert_well_again(pair: list[RunningGateway], site: Site) -> None:
    """Both answer from memory, and what is told to either is seen at both."""
    wait_until(lambda: all(map(is_near, pair)), seconds=RETURN_SECONDS)
    for told in pair:
        phone = new_phone()
        site.rename("m-1", phone)
        assert tell(told, "member.updated", member_id="m-1").status == 202
        assert [phone_at(each) for each in pair] == [phone, phone]


def test_without_redis(gateways: list[RunningGateway], site: Site, machines: tuple[Machine, Machine, Machine]) -> None:
    cut_off, well = gateways
    wait_until(lambda: all(map(is_near, gateways)), seconds=RETURN_SECONDS)
    seen = {}
    with machines[0].cut_off_from(REDIS):
        first, second = new_phone(), new_phone()
        site.rename("m-1", first)
        at_the_other = tell(well, "member.updated", member_id="m-1")
        seen["after an event at the other"] = [phone_at(each) == first for each in gateways]
        reads = [cut_off.get(f"/api/v1/dashboard/m-{number}") for number in range(1, 21)]
        state = state_at(cut_off, "redis"), state_at(well, "redis")
        assert_probes_pass(cut_off)

        site.rename("m-1", second)
        at_itself = tell(cut_off, "member.updated", member_id="m-1")
        seen["its own event, itself"] = phone_at(cut_off) == second
        wait_until(lambda: phone_at(well) == second, seconds=DROPPED_SECONDS + SLACK_SECONDS)

    assert seen == {"after an event at the other": [True, True], "its own event, itself": True}
    assert (at_the_other.status, at_itself.status) == (202, 202)
    assert at_the_other.seconds < LEASE_SECONDS + SLACK_SECONDS
    assert {(read.status, read.json["meta"]["complete"], read.seconds < READ_SECONDS) for read in reads} == {
        (200, True, True)
    }
    assert state == ("down", "up")
    assert_well_again(gateways, site)


def test_without_the_database(
    gateways: list[RunningGateway], site: Site, machines: tuple[Machine, Machine, Machine]
) -> None:
    cut_off, well = gateways
    own = {gateway: gateway.headers_of("member") for gateway in gateways}
    claim = json.dumps(a_claim()).encode()
    assert [cut_off.ask("GET", MEMBER, headers=own[cut_off]).status for _ in range(READS)] == [200] * READS
    with machines[0].cut_off_from(POSTGRES):
        noticed = [cut_off.sign_in("member") for _ in range(READS)]
        site.sandbox.reset()
        refused = {
            "a sign-in": noticed[0],
            "staff's read": cut_off.get("/api/v1/members/m-2"),
            "an event": tell(cut_off, "member.updated", member_id="m-9"),
            "a submission": cut_off.ask(
                "POST", "/api/v1/claims", headers={**own[cut_off], **JSON, "Idempotency-Key": "cut-off-1"}, body=claim
            ),
        }
        asked = sum(site.sandbox.calls(service).total for service in ("member", "claims", "provider", "benefit"))
        reads = [cut_off.ask("GET", MEMBER, headers=own[cut_off]) for _ in range(READS)]
        state = state_at(cut_off, "database"), state_at(well, "database")
        assert_probes_pass(cut_off)
        others = well.get("/api/v1/members/m-2").status, well.sign_in("member").status

    assert {what: (reply.status, reply.code) for what, reply in refused.items()} == dict.fromkeys(
        refused, (503, "upstream_unavailable")
    )
    assert all(reply.seconds < READ_SECONDS for reply in refused.values())
    assert asked == 0
    assert {(read.status, read.seconds < READ_SECONDS) for read in reads} == {(200, True)}
    assert state == ("down", "up")
    assert others == (200, 200)
    wait_until(lambda: cut_off.sign_in("member").status == 200, seconds=RETURN_SECONDS)
    assert_well_again(gateways, site)


def test_without_both_nobody_is_served_from_memory(
    gateways: list[RunningGateway], site: Site, machines: tuple[Machine, Machine, Machine]
) -> None:
    cut_off, well = gateways
    own = {gateway: gateway.headers_of("member") for gateway in gateways}

    def all_are_refused() -> bool:
        return all(cut_off.ask("GET", MEMBER, headers=own[cut_off]).status == 503 for _ in range(READS))

    wait_until(lambda: cut_off.ask("GET", MEMBER, headers=own[cut_off]).status == 200)
    with machines[0].cut_off_from(REDIS, POSTGRES):
        wait_until(all_are_refused, seconds=LEASE_SECONDS + SLACK_SECONDS)
        later = [cut_off.ask("GET", MEMBER, headers=own[cut_off]) for _ in range(READS)]
        others = [well.ask("GET", MEMBER, headers=own[well]).status for _ in range(READS)]
        assert_probes_pass(cut_off)

    assert {(reply.status, reply.seconds < READ_SECONDS) for reply in later} == {(503, True)}
    assert others == [200] * READS
    wait_until(lambda: cut_off.ask("GET", MEMBER, headers=own[cut_off]).status == 200, seconds=RETURN_SECONDS)
    assert_well_again(gateways, site)


def test_unplugged_it_costs_the_other_one_lease_and_comes_back_with_nothing_old(
    gateways: list[RunningGateway], site: Site, machines: tuple[Machine, Machine, Machine]
) -> None:
    unplugged, well = gateways
    wait_until(lambda: all(map(is_near, gateways)), seconds=RETURN_SECONDS)
    phone = new_phone()
    with machines[0].unplugged():
        site.rename("m-1", phone)
        told = [tell(well, "member.updated", member_id="m-1") for _ in range(3)]
        alone = phone_at(well)

    def comes_back() -> str:
        with suppress(OSError):
            reply = unplugged.get(MEMBER)
            return str(reply.json["personal"]["phone"]) if reply.status == 200 else ""
        return ""

    assert [reply.status for reply in told] == [202] * 3
    assert told[0].seconds < LEASE_SECONDS + SLACK_SECONDS
    assert told[2].seconds < SLACK_SECONDS
    assert alone == phone
    assert wait_until(comes_back, seconds=RETURN_SECONDS) == phone
    assert_well_again(gateways, site)


def test_without_the_broker_no_request_notices(
    gateways: list[RunningGateway], site: Site, machines: tuple[Machine, Machine, Machine]
) -> None:
    before = len(site.sandbox.ledger("notification"))
    headers = {**gateways[0].headers_of("member"), **JSON}
    with machines[0].cut_off_from(BROKER), machines[2].cut_off_from(BROKER):
        replies = [
            gateways[0].ask(
                "POST",
                "/api/v1/claims",
                headers={**headers, "Idempotency-Key": f"without-a-broker-{number}"},
                body=json.dumps(a_claim()).encode(),
            )
            for number in range(3)
        ]
        wait_until(lambda: len(site.sandbox.ledger("notification")) == before + 3, seconds=RETURN_SECONDS)

    assert [(reply.status, reply.seconds < READ_SECONDS) for reply in replies] == [(201, True)] * 3
