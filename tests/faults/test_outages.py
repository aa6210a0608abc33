"""Outages that last: what an upstream that is down has to bear, what the readers of others notice, a dead host name."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.testing import Sandbox
from tests.faults import wire
from tests.faults.conftest import Site
from tests.support.gateway import Reply, RunningGateway
from tests.support.redis_server import RedisServer
from tests.support.upstream import RawUpstream, Script, hangs
from tests.support.waiting import wait_until

SERVER_ERROR = wire.status("500 Internal Server Error")


@pytest.fixture
def start(
    tmp_path: Path, redis_server: RedisServer
) -> Iterator[Callable[..., tuple[RunningGateway, RawUpstream, Sandbox]]]:
    """Starts a gateway with settings of the test's own; its claims service is a raw socket unless told otherwise."""
    claims, started = RawUpstream(wire.well), list[RunningGateway]()
    with Sandbox() as sandbox:

        def begin(**settings: str) -> tuple[RunningGateway, RawUpstream, Sandbox]:
            upstreams = {**sandbox.urls, "CLAIMS_SERVICE_URL": claims.url}
            gateway = RunningGateway(tmp_path, redis_url=redis_server.url, upstreams=upstreams | settings, WORKERS="1")
            started.append(gateway)
            gateway.await_ready()
            return gateway, claims, sandbox

        yield begin
        for gateway in started:
            gateway.remove()
        claims.refuse()


@pytest.mark.long
def test_in_an_outage_an_upstream_sees_at_most_a_tenth_more_calls_than_are_wanted(
    start: Callable[..., tuple[RunningGateway, RawUpstream, Sandbox]],
) -> None:
    gateway, claims, _ = start(CLAIMS_BREAKER_FAILURES="100000", CLAIMS_BREAKER_MIN_CALLS="100000")
    claims.say(SERVER_ERROR)

    replies = [gateway.get(f"/api/v1/claims/m-1?offset={number}") for number in range(60)]

    assert {(reply.status, reply.code) for reply in replies} == {(503, "upstream_unavailable")}
    assert 60 <= claims.count <= 1.1 * 60 + 1


@pytest.mark.long
def test_an_open_breaker_lets_nothing_through_and_then_one_probe_at_a_time(
    start: Callable[..., tuple[RunningGateway, RawUpstream, Sandbox]],
) -> None:
    gateway, claims, _ = start(CLAIMS_BREAKER_OPEN_SECONDS="2", CLAIMS_RETRY_BUDGET="0")
    claims.say(SERVER_ERROR)

    def ask(number: int) -> Reply:
        return gateway.get(f"/api/v1/claims/m-1?offset={number}")

    assert [ask(number).code for number in range(5)] == ["upstream_unavailable"] * 5
    opened_at = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        assert {reply.code for reply in pool.map(ask, range(100, 120))} == {"circuit_open"}
    assert time.monotonic() - opened_at < 2
    assert claims.count == 5

    claims.say(hangs)
    with ThreadPoolExecutor(10) as pool:
        wait_until(lambda: list(pool.map(ask, range(200, 210))) and claims.count > 5, seconds=10)
    assert (claims.count, claims.peak) == (6, 1)

    claims.say(wire.well)
    wait_until(lambda: ask(300).status == 200, seconds=10)
    assert [ask(number).status for number in range(301, 311)] == [200] * 10


def test_a_host_that_has_no_name_costs_its_sections_in_budget(
    start: Callable[..., tuple[RunningGateway, RawUpstream, Sandbox]],
) -> None:
    gateway, _, _ = start(PAYMENT_SERVICE_URL="http://payments.invalid:8007", READ_BUDGET_SECONDS="1")

    profile = gateway.get("/api/v1/members/m-1")
    payments = gateway.get("/api/v1/members/m-1/payments")

    assert profile.states.pop("payments") == "unavailable"
    assert {state for name, state in profile.states.items() if name != "payments"} == {"fresh"}
    assert payments.status in {503, 504}
    assert payments.code in {"upstream_unavailable", "upstream_timeout"}
    for reply in (profile, payments):
        assert reply.seconds <= 1.5
        assert "invalid" not in reply.text


@contextmanager
def under_load(ask: Callable[[], object], *, threads: int) -> Iterator[None]:
    """While it lasts, so many threads ask again and again."""
    has_ended = threading.Event()

    def go_on() -> None:
        while not has_ended.is_set():
            ask()

    workers = [threading.Thread(target=go_on) for _ in range(threads)]
    for worker in workers:
        worker.start()
    yield
    has_ended.set()
    for worker in workers:
        worker.join()


@pytest.mark.alone
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(hangs, id="hangs"),
        pytest.param(wire.drips(0), id="drips", marks=pytest.mark.long),
        pytest.param(SERVER_ERROR, id="500", marks=pytest.mark.long),
        pytest.param(wire.says(wire.DEEP), id="deep", marks=pytest.mark.long),
    ],
)
def test_readers_of_another_upstream_do_not_notice(site: Site, fault: Script) -> None:
    def coverage_seconds(number: int) -> float:
        reply = site.get(f"/api/v1/members/m-{number + 1}/coverage", Cache_Control="no-cache")
        assert (reply.status, reply.states) == (200, {"coverage": "fresh"})
        return reply.seconds

    with under_load(lambda: site.get("/api/v1/claims/m-1", Cache_Control="no-cache"), threads=3):
        calm = [coverage_seconds(number) for number in range(120)]
    site.redis.flushall()
    site.claims.say(fault)
    with under_load(lambda: site.get("/api/v1/claims/m-1", Cache_Control="no-cache"), threads=3):
        troubled = [coverage_seconds(number) for number in range(120)]

    assert p99(troubled) <= 2 * p99(calm) + 0.05
    assert statistics.median(troubled) <= 2 * statistics.median(calm) + 0.01


def p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]
