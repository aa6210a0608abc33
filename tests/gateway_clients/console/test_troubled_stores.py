"""The console while Redis is down, and while the database takes its time: every page opens, soon, and says so."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from django.conf import settings
from django.test import Client
from msgspec.structs import replace
from redis import Redis

from gateway_clients.fleet.counters import COARSE, FINE
from gateway_clients.fleet.drift import DriftedField
from gateway_clients.fleet.processes import own_status
from gateway_clients.fleet.pulse import pulse
from gateway_clients.fleet.timeline import TimelineEvent
from sandbox.testing import Sandbox
from tests.database.conftest import at_port, port_of, prepare
from tests.gateway_clients.console.reading import text_of
from tests.support.gateway import RunningGateway
from tests.support.redis_server import RedisServer
from tests.support.staff import Staff
from tests.support.tcp_proxy import TcpProxy
from tests.writes.servers import postgres

#: What each page says while Redis is down. Those that read the database alone say nothing.
SAID = {
    "/admin/": "Redis is down",
    "/admin/console/overview/": "Redis is down",
    "/admin/console/breaker/": "Only the breakers of this process are shown",
    "/admin/console/cacheentry/?by=member&text=m-1": "Nothing can be looked up or dropped until it is back",
    "/admin/console/explanation/": "What is kept there cannot be shown until it is back",
    "/admin/console/contractdrift/": "What drifted is shown when it is back",
    "/admin/console/gameday/": "Redis does not answer",
    "/admin/console/upstream/": "",
    "/admin/claims/submission/": "",
    "/admin/gateway_clients/outboxmessage/": "",
    "/admin/members/account/": "",
    "/admin/gateway_clients/auditentry/": "",
    "/admin/admin/logentry/": "",
}
#: Seconds that the database takes for each answer, and within which a page opens that needs some of them.
SLOW_SECONDS = 0.3
OPEN_SECONDS = 3.0


@pytest.mark.parametrize("page", SAID)
def test_with_redis_down_a_page_opens_and_says_so(staff: Client, redis_down: None, page: str) -> None:
    answer = staff.get(page)
    assert answer.status_code == 200
    assert SAID[page] in text_of(answer)


def write_what_is_not_ours(redis: Redis) -> None:
    """Moments that no calendar has, and counts of another kind, under the names that the console reads."""
    prefix, far = f"{settings.CACHE_KEY_PREFIX}:fleet", 1e300
    drift = DriftedField(service="claims", operation="getClaim", field="items", since=far, last_at=far)
    event = TimelineEvent(at=far, kind="deploy", text="Far away")
    process = replace(own_status("far"), started_at=far, reported_at=far)
    explained = "slow|GET|200|1200|/api/v1/claims|100|far-away-1"
    for kept in (FINE, COARSE):
        name = f"{prefix}:counts:{kept.letter}:{int(time.time() // kept.seconds)}"
        redis.hset(name, mapping={"call|claims|dropped": 1, "call|claims|d9999": 2, "call|claims|calls": "9" * 5_000})
    redis.hset(f"{prefix}:drift", drift.name, msgspec.json.encode(drift))
    redis.lpush(f"{prefix}:timeline", msgspec.json.encode(event))
    redis.hset(f"{prefix}:processes", "far", msgspec.json.encode(process))
    redis.zadd(f"{settings.CACHE_KEY_PREFIX}:explained:index", {explained: far})


@pytest.mark.parametrize("page", [page for page, said in SAID.items() if said])
def test_what_is_not_ours_in_redis_spoils_no_page(staff: Client, page: str) -> None:
    pulse().circuit.run(write_what_is_not_ours)

    assert staff.get(page).status_code == 200


@pytest.fixture
def slow(tmp_path: Path, redis_server: RedisServer) -> Iterator[tuple[RunningGateway, TcpProxy]]:
    """A gateway on PostgreSQL, and what can slow its database down."""
    with postgres() as url, Sandbox() as sandbox:
        prepare(url)
        proxy = TcpProxy(port_of(url), tmp_path, slow_seconds=SLOW_SECONDS)
        gateway = RunningGateway(
            tmp_path,
            redis_url=redis_server.url,
            upstreams=sandbox.urls,
            database=tmp_path / "none",
            DATABASE_URL=at_port(url, proxy.port),
        )
        gateway.await_ready()
        yield gateway, proxy
        gateway.remove()
        proxy.remove()


@pytest.mark.long
@pytest.mark.alone
def test_with_a_slow_database_pages_open_soon_and_the_overview_says_how_slow_it_is(
    slow: tuple[RunningGateway, TcpProxy],
) -> None:
    gateway, proxy = slow
    staff = Staff(gateway)
    assert "The database is slow" not in staff.get("/admin/").text
    proxy.slow_down()
    took = {}
    for page in ("/admin/", "/admin/console/breaker/", "/admin/console/cacheentry/", "/admin/console/explanation/"):
        answer = staff.get(page)
        took[page] = answer.elapsed.total_seconds()
        if page == "/admin/":
            found = re.search(r"The database is slow: it takes (\d+) ms for the simplest question", answer.text)
            assert found is not None
            assert int(found[1]) >= 1000 * SLOW_SECONDS
    assert {page: seconds for page, seconds in took.items() if seconds > OPEN_SECONDS} == {}
