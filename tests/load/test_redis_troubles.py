"""Redis killed, frozen and flushed while the gateway is under load: no error, and one short wait at most."""

import statistics
import time
from collections.abc import Callable
from typing import Final

import pytest
from redis import Redis

from tests.load.conftest import Start
from tests.support.crowd import Ask, Crowd, crowd
from tests.support.gateway import RunningGateway
from tests.support.pauses import pauses
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.alone

READERS: Final = 6
CALM_SECONDS: Final = 1.5
TROUBLED_SECONDS: Final = 3.0
#: Redis's socket timeout, and the time in which a process must have noticed.
REDIS_TIMEOUT_SECONDS: Final = 0.1
NOTICED_SECONDS: Final = 0.5
#: Within so many seconds a trip is counted in the metrics.
COUNTED_SECONDS: Final = 1.0
TROUBLES: Final[dict[str, Callable[[RedisServer], object]]] = {
    "killed": RedisServer.kill,
    "frozen": RedisServer.freeze,
    "flushed": lambda server: Redis.from_url(server.url).flushall(),
}
RECOVERIES: Final[dict[str, Callable[[RedisServer], object]]] = {
    "killed": RedisServer.start,
    "frozen": RedisServer.thaw,
    "flushed": lambda server: None,
}


def reads_of(gateway: RunningGateway) -> Callable[[int], Ask]:
    """Dashboards of 40 members, and every fourth time a look past the cache."""
    headers = gateway.headers_of("admin")
    fresh = {**headers, "Cache-Control": "no-cache"}
    return lambda number: Ask(
        gateway.port, f"/api/v1/dashboard/m-{number % 40 + 1}", fresh if number % 4 == 0 else headers
    )


def pass_seconds(running: Crowd, seconds: float) -> float:
    """Lets the crowd read on for so long; the moment it is then."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= end and running.timed[-1].began >= end - 1, seconds=seconds + 10)
    return time.monotonic()


def unanswered(gateway: RunningGateway) -> float:
    """How many trips to Redis had no answer, of those that ended COUNTED_SECONDS ago and before."""
    return gateway.metric("redis_round_trip_duration_seconds_count", outcome="failed")


@pytest.mark.long
@pytest.mark.parametrize("trouble", TROUBLES)
def test_nobody_gets_an_error_and_nobody_waits_twice(start: Start, redis_server: RedisServer, trouble: str) -> None:
    gateway = start()
    with crowd(reads_of(gateway), readers=READERS) as running, pauses() as own:
        wait_until(lambda: len(running.timed) > 200, seconds=20)
        began = time.monotonic()
        troubled = pass_seconds(running, CALM_SECONDS)
        TROUBLES[trouble](redis_server)
        pass_seconds(running, NOTICED_SECONDS + COUNTED_SECONDS)
        unanswered_at_first = unanswered(gateway)
        over = pass_seconds(running, TROUBLED_SECONDS)
        unanswered_at_last = unanswered(gateway)
        RECOVERIES[trouble](redis_server)
        end = pass_seconds(running, CALM_SECONDS)

    assert running.failures == []
    assert {timed.reply.status for timed in running.timed} == {200}
    assert [timed.reply.json["meta"] for timed in running.timed if not timed.reply.json["meta"]["complete"]] == []
    calm = running.between(began, troubled)
    usual = max(reply.seconds for reply in calm) + own.longest_seconds
    first = running.between(troubled - usual, troubled + NOTICED_SECONDS)
    later = running.between(troubled + NOTICED_SECONDS, over)
    assert max(reply.seconds for reply in first) <= usual + 2 * REDIS_TIMEOUT_SECONDS
    assert len(later) > 50
    # A process that asked a frozen Redis every second would make somebody wait each time.
    assert unanswered_at_last == unanswered_at_first
    assert (unanswered_at_first > 0) == (trouble != "flushed")
    assert statistics.median(reply.seconds for reply in later) < usual + REDIS_TIMEOUT_SECONDS / 2
    assert len(running.between(over, end)) > 50
    wait_until(lambda: "; hit; ttl=" in gateway.get("/api/v1/dashboard/m-1").headers["cache-status"], seconds=5)


def test_a_frozen_redis_makes_one_request_wait_at_most_once(start: Start, redis_server: RedisServer) -> None:
    gateway = start(WORKERS="1")
    usual = min(gateway.get("/api/v1/dashboard/m-1", Cache_Control="no-cache").seconds for _ in range(5))
    redis_server.freeze()

    first = gateway.get("/api/v1/dashboard/m-1").seconds
    later, end = [], time.monotonic() + TROUBLED_SECONDS
    while time.monotonic() < end:
        later.append(gateway.get("/api/v1/dashboard/m-1").seconds)

    assert REDIS_TIMEOUT_SECONDS <= first < usual + 1.8 * REDIS_TIMEOUT_SECONDS
    assert len(later) > 50
    assert sum(seconds > usual + 0.9 * REDIS_TIMEOUT_SECONDS for seconds in later) <= 1


@pytest.mark.long
def test_sign_in_and_its_limit_hold_without_redis(start: Start, redis_server: RedisServer) -> None:
    gateway = start(WORKERS="1", LOGIN_RATE_LIMIT_MAX="4")
    redis_server.kill()

    right = [gateway.sign_in("member").status for _ in range(6)]
    wrong = [gateway.sign_in("member", password="wrong").status for _ in range(6)]

    assert right == [200] * 6
    assert wrong == [401, 401, 401, 401, 429, 429]


@pytest.mark.long
def test_a_flush_signs_nobody_out_and_lets_nobody_in(start: Start, redis_server: RedisServer) -> None:
    gateway = start()
    assert gateway.get("/api/v1/dashboard/m-1", as_="member").status == 200
    Redis.from_url(redis_server.url).flushall()

    assert gateway.get("/api/v1/dashboard/m-1", as_="member").status == 200
    assert gateway.get("/api/v1/dashboard/m-2", as_="member").status == 403
    assert gateway.get("/api/v1/dashboard/m-1", as_=None).status == 401


def test_a_gateway_that_ends_leaves_no_lease_that_others_would_wait_for(
    start: Start, redis_server: RedisServer
) -> None:
    gateway = start(WORKERS="2")
    redis = Redis.from_url(redis_server.url)
    wait_until(lambda: redis.zcard("bff:cluster:leases") == 2)

    assert gateway.stop() == 0

    assert redis.zrange("bff:cluster:leases", 0, -1) == []
