"""Two gateways as they are served: the console's numbers are sums of both, and a lever holds in both at once."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from gateway_clients.fleet.counters import COARSE, CounterStore, total
from sandbox.testing import Sandbox
from tests.support.gateway import ROOT, RunningGateway
from tests.support.processes import clean_environment
from tests.support.redis_server import RedisServer
from tests.support.staff import Staff
from tests.support.waiting import wait_until

ROUTE = "/api/v1/dashboard/<id:member_id>"
#: Seconds after the answer to staff within which a lever holds everywhere.
EVERYWHERE_SECONDS = 1.0

pytestmark = [pytest.mark.long, pytest.mark.alone]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def gateways(tmp_path: Path, redis_server: RedisServer, sandbox: Sandbox) -> Iterator[list[RunningGateway]]:
    """Two, of two workers each, on one database and one Redis."""
    one = RunningGateway(tmp_path, redis_url=redis_server.url, upstreams=sandbox.urls)
    other = RunningGateway(tmp_path, redis_url=redis_server.url, upstreams=sandbox.urls, database=one.database)
    for gateway in (one, other):
        gateway.await_ready()
    yield [one, other]
    for gateway in (one, other):
        gateway.stop()


def manage(gateway: RunningGateway, upstreams: dict[str, str], *words: str) -> Any:
    """What a command of the console says, beside the gateways."""
    environment = {
        **clean_environment(),
        **upstreams,
        "ENVIRONMENT": "development",
        "DATABASE_URL": f"sqlite:///{gateway.database}",
        "REDIS_URL": gateway.redis_url,
    }
    command = [sys.executable, "manage.py", *words, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout[done.stdout.index("{\n") :])


def test_numbers_are_sums(gateways: list[RunningGateway], redis_server: RedisServer, sandbox: Sandbox) -> None:
    for gateway, answers in zip(gateways, (3, 4), strict=True):
        for _ in range(answers):
            assert gateway.get("/api/v1/dashboard/m-1").status == 200

    redis = Redis.from_url(redis_server.url)
    store = CounterStore("bff")
    wait_until(lambda: total(store.slices(redis, COARSE)).get(f"view|{ROUTE}|whole") == 7, seconds=10)
    wait_until(lambda: redis.hlen("bff:fleet:processes") == 4, seconds=10)
    redis.close()
    shown = manage(gateways[0], sandbox.urls, "breakers")
    # The command is a process that counts itself.
    assert {row["processes"] for row in shown["breakers"]} == {5}


@pytest.mark.parametrize("is_redis_up", [True, False])
def test_a_second_after_the_answer_to_staff_a_lever_holds_in_both(
    gateways: list[RunningGateway], redis_server: RedisServer, *, is_redis_up: bool
) -> None:
    staff = Staff(gateways[0])
    for gateway in gateways:
        assert states_of(gateway)()[1] == "fresh"
    if not is_redis_up:
        redis_server.kill()
    staff.post(
        "/admin/console/breaker/benefit/change/",
        {"action": "forced_open", "minutes": "15", "reason": "maintenance", "ticket": ""},
    )
    answered_at = time.monotonic()
    until = answered_at + 2 * EVERYWHERE_SECONDS
    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(asked_until, until, states_of(gateway)) for gateway in gateways for _ in range(4)]
        found = [each for one in asking for each in one.result()]

    after = [(round(at - answered_at, 3), state) for at, state in found]
    assert sum(at > EVERYWHERE_SECONDS for at, _ in after) >= len(asking)
    assert [at for at, state in after if at > EVERYWHERE_SECONDS and state == "fresh"] == []


def states_of(gateway: RunningGateway) -> Callable[[], tuple[float, str]]:
    """Asks for a dashboard past the cache: when it was asked, and how its benefits came about."""

    def ask() -> tuple[float, str]:
        asked_at = time.monotonic()
        return asked_at, gateway.get("/api/v1/dashboard/m-1", Cache_Control="no-cache").states["benefits_summary"]

    return ask


def asked_until(until: float, ask: Callable[[], tuple[float, str]]) -> list[tuple[float, str]]:
    """Asks again and again until that moment."""
    found = [ask()]
    while time.monotonic() < until:
        found.append(ask())
    return found
