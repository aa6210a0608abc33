"""What holds over two machines: one call for a cold key, limits, invalidation, overrides, sign-out, nothing old."""

import json
from itertools import count, cycle, islice
from typing import Final

import pytest

from tests.cluster.network import Machine
from tests.cluster.site import JSON, Site, tell
from tests.support.crowd import Ask, all_at_once
from tests.support.gateway import ACCOUNTS, RunningGateway
from tests.support.waiting import wait_until
from tests.writes.portal import a_claim

pytestmark = [pytest.mark.alone, pytest.mark.long, pytest.mark.timeout(300)]

SERVICES: Final = ("member", "claims", "benefit", "policy", "notification")
MEMBER: Final = "/api/v1/members/m-3"
_numbers: Final = count()


def phone_at(gateway: RunningGateway) -> str:
    return str(gateway.get(MEMBER).json["personal"]["phone"])


def new_phone() -> str:
    return f"+62 811 {next(_numbers):06}"


def test_a_cold_key_costs_one_call_of_each_upstream(gateways: list[RunningGateway], site: Site) -> None:
    for service in SERVICES:
        site.sandbox.fault(service, "delay", delay_seconds=1.0)
    asks = [
        Ask(gateway.port, "/api/v1/dashboard/m-9", gateway.headers_of(), gateway.host)
        for gateway in islice(cycle(gateways), 200)
    ]

    replies = all_at_once(asks)

    assert {service: site.sandbox.calls(service).total for service in SERVICES} == dict.fromkeys(SERVICES, 1)
    assert {(reply.status, reply.code) for reply in replies} <= {(200, ""), (503, "overloaded")}
    assert sum(reply.status == 200 for reply in replies) >= 100


def test_limits_are_one_over_both(site: Site, machines: tuple[Machine, Machine, Machine]) -> None:
    pair = site.pair(machines, WORKERS="1", RATE_LIMIT_MAX="20", LOGIN_RATE_LIMIT_MAX="4", CACHE_KEY_PREFIX="limits")
    token = pair[0].headers_of("member")

    read = [gateway.ask("GET", "/api/v1/auth/me", headers=token).status for gateway in islice(cycle(pair), 40)]
    wrong = [gateway.sign_in("second member", password="wrong").status for gateway in islice(cycle(pair), 6)]

    for gateway in pair:
        gateway.remove()
    assert read == [200] * 20 + [429] * 20
    assert wrong == [401, 401, 401, 401, 429, 429]


def test_after_an_event_neither_shows_the_old_value(gateways: list[RunningGateway], site: Site) -> None:
    seen, near = [], 0
    for told, _ in zip(cycle(gateways), range(30), strict=False):
        wait_until(lambda: all("detail=near" in each.get(MEMBER).headers["cache-status"] for each in gateways))
        near += 1
        phone = new_phone()
        site.rename("m-3", phone)
        assert tell(told, "member.updated", member_id="m-3").status == 202
        seen.append([phone_at(each) == phone for each in gateways])

    assert seen == [[True, True]] * 30
    assert near == 30


def test_after_a_write_neither_shows_the_old_value(gateways: list[RunningGateway]) -> None:
    seen = []
    for writing, _ in zip(cycle(gateways), range(30), strict=False):
        phone = new_phone()
        body = json.dumps({"phone": phone}).encode()
        assert writing.ask("PATCH", MEMBER, headers={**writing.headers_of(), **JSON}, body=body).status == 200
        seen.append([phone_at(each) == phone for each in gateways])

    assert seen == [[True, True]] * 30


def test_an_override_holds_at_both_when_it_has_been_ordered(gateways: list[RunningGateway], site: Site) -> None:
    by = ("--by", ACCOUNTS["staff, for /admin/"].email, "--reason", "a test of two machines")
    fresh = {"Cache_Control": "no-cache"}

    site.manage("breakers", "open", "notification", *by)
    wait_until(
        lambda: all("unavailable" in each.get("/api/v1/dashboard/m-4", **fresh).states.values() for each in gateways)
    )
    site.manage("breakers", "normal", "notification", *by)
    wait_until(
        lambda: all(set(each.get("/api/v1/dashboard/m-4", **fresh).states.values()) == {"fresh"} for each in gateways)
    )


def test_who_signs_out_at_one_is_out_at_the_other(gateways: list[RunningGateway]) -> None:
    statuses = []
    for out, _ in zip(cycle(gateways), range(10), strict=False):
        tokens = out.sign_in("member").json
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        before = [each.ask("GET", "/api/v1/auth/me", headers=headers).status for each in gateways for _ in range(4)]
        body = json.dumps({"refresh_token": tokens["refresh_token"]}).encode()
        assert out.ask("POST", "/api/v1/auth/logout", headers=JSON, body=body).status == 204
        after = [each.ask("GET", "/api/v1/auth/me", headers=headers).status for each in gateways for _ in range(4)]
        statuses.append((set(before), set(after)))

    assert statuses == [({200}, {401})] * 10


def test_a_key_repeated_at_the_other_is_one_claim_and_the_worker_tells_of_it(
    gateways: list[RunningGateway], site: Site
) -> None:
    before = {service: len(site.sandbox.ledger(service)) for service in ("claims", "notification")}
    body = json.dumps(a_claim()).encode()
    headers = {**gateways[0].headers_of(), **JSON, "Idempotency-Key": "over-two-machines"}

    replies = [gateway.ask("POST", "/api/v1/claims", headers=headers, body=body) for gateway in gateways * 2]

    assert [reply.status for reply in replies] == [201, *[replies[1].status] * 3]
    assert len({reply.json["id"] for reply in replies}) == 1
    wait_until(lambda: len(site.sandbox.ledger("notification")) == before["notification"] + 1)
    assert len(site.sandbox.ledger("claims")) == before["claims"] + 1
