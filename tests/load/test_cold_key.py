"""Many readers of one cold key, over two gateways of two workers each: one call, whatever happens around it."""

import json
import threading
import time
from typing import Final

import pytest
from redis import Redis

from gateway_clients.caching.invalidation import write_versions
from sandbox.testing import Sandbox
from tests.load.conftest import Start
from tests.support.crowd import Ask, all_at_once
from tests.support.gateway import Reply, RunningGateway
from tests.support.redis_server import RedisServer
from tests.support.upstream import Asked, RawUpstream, Wire
from tests.support.waiting import wait_until

pytestmark = pytest.mark.alone

READERS: Final = 500
SERVICES: Final = ("member", "claims", "benefit", "policy", "notification")
DASHBOARD: Final = "/api/v1/dashboard/m-1"
LIST: Final = "/api/v1/claims/m-1"


def read_all_at_once(gateways: list[RunningGateway], readers: int = READERS) -> list[Reply]:
    headers = [gateway.headers_of("admin") for gateway in gateways]
    return all_at_once(
        [Ask(gateways[number % 2].port, DASHBOARD, headers[number % 2]) for number in range(readers)],
    )


def assert_all_read_or_are_shed(replies: list[Reply]) -> None:
    assert len(replies) == READERS
    for reply in replies:
        if reply.status == 200:
            assert reply.json["meta"]["complete"] is True
        else:
            assert (reply.status, reply.code, int(reply.headers["retry-after"])) == (503, "overloaded", 1)
    assert sum(reply.status == 200 for reply in replies) >= 4 * 20


@pytest.mark.long
def test_500_readers_cost_one_call_of_each_upstream(start: Start, sandbox: Sandbox) -> None:
    gateways = [start(), start()]
    for service in SERVICES:
        sandbox.fault(service, "delay", delay_seconds=1.0)

    replies = read_all_at_once(gateways)

    assert {service: sandbox.calls(service).total for service in SERVICES} == dict.fromkeys(SERVICES, 1)
    assert_all_read_or_are_shed(replies)


@pytest.mark.long
def test_an_upstream_that_is_nearly_too_slow_is_still_asked_once(start: Start, sandbox: Sandbox) -> None:
    gateways = [start(), start()]
    sandbox.fault("claims", "delay", delay_seconds=1.7)

    replies = read_all_at_once(gateways, readers=40)

    assert [reply.status for reply in replies] == [200] * 40
    assert {state for reply in replies for state in reply.states.values()} <= {"fresh", "cached"}
    assert sandbox.calls("claims").total == 1


@pytest.mark.long
def test_without_redis_they_cost_one_call_of_each_worker(
    start: Start, sandbox: Sandbox, redis_server: RedisServer
) -> None:
    patient = {
        "READ_BUDGET_SECONDS": "8",
        "UPSTREAM_TIMEOUT_SECONDS": "7",
        "BREAKER_SLOW_SECONDS": "7",
    }
    gateways = [start(**patient), start(**patient)]
    for gateway in gateways:
        gateway.token("admin")
    for service in SERVICES:
        sandbox.fault(service, "delay", delay_seconds=5.0)
    redis_server.kill()

    replies = read_all_at_once(gateways)

    for service in SERVICES:
        assert 1 <= sandbox.calls(service).total <= 4
    assert_all_read_or_are_shed(replies)


@pytest.mark.long
def test_what_is_read_after_an_invalidation_is_new_even_while_an_old_read_is_under_way(
    start: Start, redis_server: RedisServer
) -> None:
    status, is_slow = ["submitted"], [True]

    def script(wire: Wire, _: Asked) -> None:
        claim = {
            "id": "clm-1",
            "claim_number": "2026-000001",
            "member_id": "m-1",
            "status": status[0],
            "service_date": "2026-03-01",
            "total_amount": 1,
        }
        body = json.dumps({"items": [claim], "total": 1}).encode()
        if is_slow[0]:
            time.sleep(1.0)
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    claims = RawUpstream(script)
    first, second = (start(CLAIMS_SERVICE_URL=claims.url) for _ in range(2))
    old: list[Reply] = []
    headers = first.headers_of("admin")
    reader = threading.Thread(target=lambda: old.append(first.ask("GET", LIST, headers=headers)))
    second.token("admin")
    reader.start()
    wait_until(lambda: claims.count == 1)

    status[0], is_slow[0] = "paid", False
    write_versions(Redis.from_url(redis_server.url), frozenset({"member:m-1:claims"}))
    during = [second.get(LIST), first.get(LIST)]
    reader.join()
    after = [gateway.get(LIST) for gateway in (first, second) for _ in range(4)]

    assert [reply.json["claims"][0]["status"] for reply in [*during, *after]] == ["paid"] * 10
    assert [reply.status for reply in old] == [200]
    assert claims.count <= 3
    claims.refuse()
