"""What processes tell each other of their breakers, over a real Redis: here two sides, each with its own guard."""

import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pytest_django import Settings
from redis import Redis

from gateway_clients.caching.guard import CacheDownError, RedisGuard, default_connection
from gateway_clients.errors import UpstreamCircuitOpenError
from gateway_clients.resilience.breaker import Breaker, Override
from gateway_clients.resilience.sharing import BreakerSharing, OverrideOrder
from tests.gateway_clients.resilience.transcript import FakeClock, conf
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]


class Side:
    """One process: its sharing, and its breaker of the claims service."""

    def __init__(self, url: str, prefix: str, clock: FakeClock) -> None:
        self.redis = Redis.from_url(url, socket_timeout=0.1, socket_connect_timeout=0.1, retry=None)
        self.clock = clock
        self.guard = RedisGuard(lambda: self.redis, sleep=lambda _: time.sleep(0.02))
        self.sharing = BreakerSharing(self.guard, prefix=prefix, now=clock)
        self.breaker = self.new_breaker("claims")

    def new_breaker(self, service: str) -> Breaker:
        breaker = Breaker(
            conf(name=service),
            clock=self.clock,
            on_trip=self.sharing.publish_trip,
            may_probe=self.sharing.may_probe,
            on_probe_end=self.sharing.end_probe,
        )
        self.sharing.add(breaker)
        return breaker

    @property
    def state(self) -> str:
        return str(self.breaker.current_state)

    def trip(self) -> None:
        for _ in range(5):
            self.breaker.admit().failed(0.1)


@pytest.fixture
def prefix() -> str:
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
def sides(settings: Settings, prefix: str) -> Iterator[tuple[Side, Side]]:
    clock = FakeClock()
    both = Side(settings.REDIS_URL, prefix, clock), Side(settings.REDIS_URL, prefix, clock)
    for side in both:
        side.sharing.look()
    yield both
    for side in both:
        side.redis.close()


def order(override: Override = Override.FORCED_OPEN, *, until: float = 2000.0) -> OverrideOrder:
    return OverrideOrder(override=override, until=until, reason="maintenance", ordered_by="7")


def test_a_trip_in_one_process_makes_the_other_half_open_and_not_open(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.trip()
    one.sharing.look()
    assert (one.state, other.state) == ("open", "closed")
    other.sharing.look()
    assert other.state == "half-open"
    one.sharing.look()
    assert one.state == "open"

    other.breaker.admit().succeeded(0.1)
    other.sharing.look()
    assert (one.state, other.state) == ("open", "closed")


def test_a_trip_from_before_a_process_began_is_no_news_to_it(sides: tuple[Side, Side], settings: Settings) -> None:
    one, _ = sides
    one.trip()
    one.sharing.look()
    late = Side(settings.REDIS_URL, one.sharing._board._prefix.removesuffix(":breakers"), one.clock)
    late.sharing.look()
    assert late.state == "closed"
    late.redis.close()


def test_both_half_open_they_make_one_probe_and_the_other_comes_after_it(sides: tuple[Side, Side]) -> None:
    one, other = sides
    for side in sides:
        side.breaker.half_open()
    probe = one.breaker.admit()
    with pytest.raises(UpstreamCircuitOpenError):
        other.breaker.admit()
    probe.succeeded(0.1)
    one.clock.advance(1)
    assert other.breaker.admit().is_probe


def test_a_probe_that_ends_late_does_not_end_the_probe_of_another_process(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.breaker.half_open()
    late = one.breaker.admit()
    name = f"{one.sharing._board._prefix}:probe:claims"
    one.redis.delete(name)
    other.breaker.half_open()
    other.breaker.admit()
    late.ignored()
    assert one.redis.get(name) == other.sharing.process.encode()


def test_forced_open_holds_in_the_other_process_until_it_expires(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.sharing.order("claims", order(until=1060.0))
    other.sharing.look()
    assert other.breaker.override is Override.FORCED_OPEN
    assert one.sharing.orders() == {"claims": order(until=1060.0)}
    other.clock.advance(60)
    other.sharing.look()
    assert other.breaker.override is Override.NORMAL
    assert one.sharing.orders() == {}


def test_an_order_holds_for_a_breaker_that_is_made_after_it(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.sharing.order("member", order(Override.FORCED_CLOSED))
    other.sharing.look()
    assert other.new_breaker("member").override is Override.FORCED_CLOSED


def test_a_reset_closes_everywhere_and_ends_the_order(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.sharing.order("claims", order())
    for side in sides:
        side.sharing.look()
    other.breaker.open()
    one.sharing.order_reset("claims")
    for side in sides:
        side.sharing.look()
        assert (side.state, side.breaker.override) == ("closed", Override.NORMAL)


def test_staff_see_the_breakers_of_every_process_that_lives(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.trip()
    one.clock.advance(7)
    other.breaker.pause(20)
    for side in sides:
        side.sharing.look()
    found = {report.process: report for report in one.sharing.all_reports()}
    assert set(found) == {one.sharing.process, other.sharing.process}
    mine, others = found[one.sharing.process], found[other.sharing.process]
    assert (mine.service, mine.state, mine.failures, mine.since) == ("claims", "open", 5, 1000.0)
    assert (others.state, others.paused_seconds, others.override) == ("closed", 20.0, "normal")

    one.redis.delete(f"{one.sharing._board._prefix}:reports:{other.sharing.process}")
    assert {report.process for report in one.sharing.all_reports()} == {one.sharing.process}


@pytest.mark.parametrize(
    "junk", [b"", b"x", b"{}", b"\xff\xfe", b'{"override":"ajar","until":9e9,"reason":"","ordered_by":""}', b"[" * 9999]
)
def test_junk_among_the_orders_costs_that_order_only(sides: tuple[Side, Side], junk: bytes) -> None:
    one, other = sides
    other.new_breaker("member")
    one.sharing.order("member", order())
    one.redis.hset(f"{one.sharing._board._prefix}:overrides", mapping={"claims": junk, b"\xff": junk})
    other.sharing.look()
    assert other.breaker.override is Override.NORMAL
    assert other.sharing._breakers["member"].override is Override.FORCED_OPEN
    assert set(one.sharing.orders()) == {"member"}


@pytest.mark.parametrize("kind", ["trips", "overrides", "resets"])
def test_a_foreign_value_in_place_of_a_hash_is_dropped(sides: tuple[Side, Side], kind: str) -> None:
    one, other = sides
    name = f"{one.sharing._board._prefix}:{kind}"
    one.redis.delete(name)
    one.redis.set(name, b"foreign")
    one.sharing.look()
    assert not one.redis.exists(name)
    assert not one.guard.is_down
    one.sharing.order("claims", order())
    other.sharing.look()
    assert other.breaker.override is Override.FORCED_OPEN


def test_junk_among_the_reports_is_passed_over(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.redis.set(f"{one.sharing._board._prefix}:reports:{other.sharing.process}", b"junk")
    assert {report.process for report in one.sharing.all_reports()} == {one.sharing.process}


def test_a_healthy_call_asks_redis_nothing(sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = sides
    asked: list[Any] = []
    monkeypatch.setattr(one.guard, "run", asked.append)
    for _ in range(100):
        one.breaker.admit().failed(0.1)
        one.breaker.admit().succeeded(0.1)
        one.breaker.admit().succeeded(0.1)
    assert asked == []


def test_a_look_costs_one_round_trip(sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = sides
    runs: list[Any] = []
    run = one.guard.run
    monkeypatch.setattr(one.guard, "run", lambda command: (runs.append(1), run(command))[1])
    one.sharing.publish_trip("claims")
    one.sharing.look()
    assert len(runs) == 1


@pytest.fixture
def lonely(redis_server: RedisServer, prefix: str) -> Iterator[Side]:
    side = Side(redis_server.url, prefix, FakeClock())
    side.sharing.look()
    yield side
    side.redis.close()


@pytest.mark.alone
def test_without_redis_each_process_goes_on_alone_and_callers_wait_for_nothing(
    lonely: Side, redis_server: RedisServer
) -> None:
    redis_server.freeze()
    with pytest.raises(CacheDownError):
        lonely.sharing.look()
    started_at = time.monotonic()
    lonely.trip()
    with pytest.raises(UpstreamCircuitOpenError):
        lonely.breaker.admit()
    lonely.clock.advance(60)
    lonely.breaker.admit().succeeded(0.1)
    assert lonely.state == "closed"
    assert time.monotonic() - started_at < 0.05
    for ask in (lonely.sharing.all_reports, lonely.sharing.orders, lambda: lonely.sharing.order_reset("claims")):
        with pytest.raises(CacheDownError):
            ask()
    redis_server.thaw()


def test_an_order_ends_at_its_time_also_while_redis_is_down(lonely: Side, redis_server: RedisServer) -> None:
    lonely.sharing.order("claims", order(until=1060.0))
    lonely.sharing.look()
    redis_server.kill()
    with pytest.raises(CacheDownError):
        lonely.sharing.look()
    assert lonely.breaker.override is Override.FORCED_OPEN
    lonely.clock.advance(60)
    with pytest.raises(CacheDownError):
        lonely.sharing.look()
    assert lonely.breaker.override is Override.NORMAL


def test_a_trip_while_redis_is_down_is_told_when_it_is_back(
    lonely: Side, redis_server: RedisServer, prefix: str
) -> None:
    redis_server.kill()
    lonely.trip()
    with pytest.raises(CacheDownError):
        lonely.sharing.look()
    redis_server.start()
    wait_until(lambda: not lonely.guard.is_down)
    other = Side(redis_server.url, prefix, lonely.clock)
    other.sharing.look()
    lonely.sharing.look()
    other.sharing.look()
    assert other.state == "half-open"
    other.redis.close()


def test_a_flushed_redis_changes_nothing_but_the_orders(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.trip()
    one.sharing.look()
    for name in list(one.redis.scan_iter(match=f"{one.sharing._board._prefix}*")):
        one.redis.delete(name)
    for side in sides:
        side.sharing.look()
    assert (one.state, other.state) == ("open", "closed")
    assert len(one.sharing.all_reports()) == 2


PROCESS = """
import sys, time, django
django.setup()
from gateway_clients.errors import UpstreamCircuitOpenError
from gateway_clients.upstream.registry import upstream
breaker = upstream("claims").breaker
while True:
    try:
        breaker.admit().succeeded(0.01)
        said = "through"
    except UpstreamCircuitOpenError:
        said = "refused"
    print(time.time(), said, flush=True)
    time.sleep(0.01)
"""


@pytest.mark.alone
def test_force_open_and_back_reach_two_other_processes_within_a_second(
    redis_server: RedisServer, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "bff_project.settings")
    logs = [tmp_path / "one", tmp_path / "two"]
    processes = []
    for log in logs:
        with log.open("wb") as output:
            processes.append(subprocess.Popen([sys.executable, "-c", PROCESS], stdout=output, cwd=ROOT))

    def calls(log: Path) -> list[tuple[float, str]]:
        lines = [line.split() for line in log.read_text().splitlines()]
        return [(float(line[0]), line[1]) for line in lines if len(line) == 2 and not line[0].startswith("{")]

    def first_after(log: Path, at: float, said: str) -> float | None:
        return next((when - at for when, what in calls(log) if when > at and what == said), None)

    staff = Side(redis_server.url, settings.CACHE_KEY_PREFIX, FakeClock())
    try:
        wait_until(lambda: all(calls(log) for log in logs), seconds=20)
        assert all(said == "through" for log in logs for _, said in calls(log))

        forced_at = time.time()
        staff.sharing.order("claims", order(until=forced_at + 300))
        took = [wait_until(lambda log=log: first_after(log, forced_at, "refused")) for log in logs]
        assert max(took) < 1.0

        reset_at = time.time()
        staff.sharing.order_reset("claims")
        took = [wait_until(lambda log=log: first_after(log, reset_at, "through")) for log in logs]
        assert max(took) < 1.0
    finally:
        for process in processes:
            process.kill()
            process.wait()
        staff.redis.close()


def test_a_report_survives_the_way_through_redis(sides: tuple[Side, Side]) -> None:
    report = sides[0].sharing.reports()[0]
    assert msgspec.json.decode(msgspec.json.encode(report), type=type(report)) == report


def test_it_looks_no_more_once_stopped() -> None:
    guard = RedisGuard(default_connection)
    sharing = BreakerSharing(guard, prefix=uuid.uuid4().hex)
    sharing.start()

    sharing.stop()

    assert "breaker-sharing" not in {thread.name for thread in threading.enumerate() if thread is sharing._thread}
