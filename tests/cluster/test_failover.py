"""Two machines over a Redis that Sentinel watches over, which fails over while both are asked."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.cluster.network import REDIS, Machine
from tests.cluster.site import Site, reachable, tell
from tests.support.crowd import Ask, crowd
from tests.support.gateway import RunningGateway
from tests.support.redis_server import RedisServer
from tests.support.sentinel import NAME, SentinelServer
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.alone, pytest.mark.long, pytest.mark.timeout(300)]

MEMBER = "/api/v1/members/m-7"


@dataclass(frozen=True)
class Watched:
    """Two gateways, whose Redis has a replica and a Sentinel."""

    pair: list[RunningGateway]
    primary: RedisServer
    replica: RedisServer
    sentinel: SentinelServer

    def are_near(self) -> bool:
        return all(each.get(MEMBER).headers.get("cache-status", "").endswith("detail=near") for each in self.pair)


@pytest.fixture
def watched(site: Site, machines: tuple[Machine, Machine, Machine]) -> Iterator[Watched]:
    primary, replica = RedisServer(), RedisServer()
    primary.start(*reachable())
    replica.start(*reachable(), f"replicaof {REDIS} {primary.port}")
    sentinel = SentinelServer(primary, address=REDIS)
    pair = site.pair(machines, REDIS_URL=f"redis://{NAME}/0", REDIS_SENTINELS=sentinel.place)
    yield Watched(pair, primary, replica, sentinel)
    for gateway in pair:
        gateway.remove()
    for server in (sentinel, primary, replica):
        server.remove()


def test_a_failover_fails_nobody_and_shows_nothing_old(watched: Watched, site: Site) -> None:
    headers = watched.pair[0].headers_of()
    watched.pair[1].token("admin")
    watched.sentinel.await_replica()
    wait_until(watched.are_near)

    def ask_of(number: int) -> Ask:
        gateway = watched.pair[number % 2]
        return Ask(gateway.port, f"/api/v1/dashboard/m-{number % 20 + 1}", headers, gateway.host)

    with crowd(ask_of, readers=4) as running:
        wait_until(lambda: len(running.timed) > 100, seconds=20)
        watched.primary.kill()
        during = tell(watched.pair[0], "member.updated", member_id="m-8")
        watched.sentinel.await_primary(watched.replica)
        failed_over_at = time.monotonic()
        wait_until(watched.are_near, seconds=15)
        came_back = time.monotonic() - failed_over_at
        asked = len(running.timed)
        wait_until(lambda: len(running.timed) > asked + 100, seconds=20)

    seen = []
    for number, told in enumerate(watched.pair * 3):
        site.rename("m-7", f"+62 814 {number:06}")
        assert tell(told, "member.updated", member_id="m-7").status == 202
        seen.append([each.get(MEMBER).json["personal"]["phone"] for each in watched.pair])
    assert during.status == 202
    assert running.failures == []
    assert {timed.reply.status for timed in running.timed} == {200}
    assert came_back < 10
    assert seen == [[f"+62 814 {number:06}"] * 2 for number in range(6)]
