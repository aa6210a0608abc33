"""What processes tell each other of their breakers, over a real Redis: here two sides, each with its own guard."""

import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings
from redis import Redis
from structlog.testing import capture_logs

from gateway_clients.errors import UpstreamBusyError, UpstreamCircuitOpenError
from gateway_clients.models import BreakerOverride
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit, default_connection
from gateway_clients.resilience import overrides
from gateway_clients.resilience.breaker import Breaker, Override
from gateway_clients.resilience.breaker_store import OwnSnapshot
from gateway_clients.resilience.breaker_sync import BreakerSync
from gateway_clients.resilience.overrides import OverrideOrder, Ruling
from tests.gateway_clients.resilience.transcript import FakeClock, conf
from tests.support.gateway import migrated_database
from tests.support.processes import clean_environment
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]


class Side:
    """One process: its sharing, and its breaker of the claims service."""

    def __init__(self, redis: Redis, prefix: str, clock: FakeClock) -> None:
        self.redis = redis
        self.prefix = prefix
        self.clock = clock
        self.circuit = RedisCircuit(lambda: self.redis, sleep=lambda _: time.sleep(0.02))
        self.sharing = BreakerSync(self.circuit, prefix=prefix, now=clock)
        self.breaker = self.new_breaker("claims")

    def new_breaker(self, service: str) -> Breaker:
        breaker = Breaker(
            conf(name=service),
            clock=self.clock,
            on_trip=self.sharing.publish_trip,
            on_pause=self.sharing.publish_pause,
            may_probe=self.sharing.may_probe,
            on_probe_end=self.sharing.end_probe,
        )
        self.sharing.add(breaker)
        return breaker

    @property
    def state(self) -> str:
        return str(self.breaker.current_state)

    def say(self, order: OverrideOrder, service: str = "claims") -> None:
        """Staff give an order here."""
        self.sharing.announce(service, self.sharing.order(service, order))

    def reset(self) -> None:
        """Staff put the breaker back to normal here."""
        ruling = self.sharing.order_reset("claims", reason="done", ordered_by="7")
        self.sharing.announce("claims", ruling)

    def trip(self) -> None:
        for _ in range(5):
            self.breaker.admit().failed(0.1)


def connected(url: str) -> Redis:
    return Redis.from_url(url, socket_timeout=0.1, socket_connect_timeout=0.1, retry=None)


@pytest.fixture
def prefix() -> str:
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
def sides(settings: Settings, prefix: str) -> Iterator[tuple[Side, Side]]:
    clock = FakeClock()
    both = Side(connected(settings.REDIS_URL), prefix, clock), Side(connected(settings.REDIS_URL), prefix, clock)
    for side in both:
        side.sharing.poll()
    yield both
    for side in both:
        side.redis.close()


def order(
    override: Override = Override.FORCED_OPEN, *, until: float = 2000.0, reason: str = "maintenance"
) -> OverrideOrder:
    return OverrideOrder(override=override, until=until, reason=reason, ordered_by="7")


def test_a_trip_in_one_process_makes_the_other_half_open_and_not_open(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.trip()
    one.sharing.poll()
    assert (one.state, other.state) == ("open", "closed")
    other.sharing.poll()
    assert other.state == "half-open"
    one.sharing.poll()
    assert one.state == "open"

    other.breaker.admit().succeeded(0.1)
    other.sharing.poll()
    assert (one.state, other.state) == ("open", "closed")


def test_a_trip_from_before_a_process_began_is_no_news_to_it(sides: tuple[Side, Side], settings: Settings) -> None:
    one, _ = sides
    one.trip()
    one.sharing.poll()
    late = Side(connected(settings.REDIS_URL), one.prefix, one.clock)
    late.sharing.poll()
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
    name = f"{one.sharing._store._prefix}:probe:claims"
    one.redis.delete(name)
    other.breaker.half_open()
    other.breaker.admit()
    late.ignored()
    assert one.redis.get(name) == other.sharing.process.encode()


@pytest.mark.django_db
def test_forced_open_holds_in_the_other_process_until_it_expires(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.say(order(until=1060.0))
    other.sharing.read_rulings()
    assert other.breaker.override is Override.FORCED_OPEN
    assert one.sharing.orders() == {"claims": order(until=1060.0)}
    other.clock.advance(60)
    other.sharing.poll()
    assert other.breaker.override is Override.NORMAL
    assert one.sharing.orders() == {}


@pytest.mark.django_db
def test_an_order_holds_for_a_breaker_that_is_made_after_it(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.say(order(Override.FORCED_CLOSED), "member")
    other.sharing.read_rulings()
    assert other.new_breaker("member").override is Override.FORCED_CLOSED


@pytest.mark.django_db
def test_a_reset_closes_everywhere_and_ends_the_order_and_the_pause(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.say(order())
    one.breaker.pause(30)
    for side in sides:
        side.sharing.poll()
        side.sharing.read_rulings()
    other.breaker.open()
    one.reset()
    late = Side(one.redis, one.prefix, one.clock)
    for side in (one, other, late):
        side.sharing.read_rulings()
        side.sharing.poll()
        assert (side.state, side.breaker.override) == ("closed", Override.NORMAL)
        assert side.breaker.paused_seconds == 0


@pytest.mark.django_db
def test_a_reset_from_before_a_process_began_closes_nothing_there(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.reset()
    other.trip()
    other.sharing.read_rulings()
    other.sharing.read_rulings()
    assert other.state == "open"


@pytest.mark.django_db
def test_the_row_says_what_was_ordered_by_whom_why_and_since_when(sides: tuple[Side, Side]) -> None:
    sides[0].say(order(until=2_000_000_000.0))
    row = BreakerOverride.objects.get()
    assert (row.service, row.override, row.reason, row.ordered_by) == ("claims", "forced_open", "maintenance", "7")
    assert row.until == datetime.fromtimestamp(2_000_000_000, UTC)
    assert timedelta(0) <= timezone.now() - row.since < timedelta(minutes=1)


@pytest.mark.django_db
def test_the_later_of_two_orders_stands_and_the_others_hear_that_it_changed(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.say(order(reason="first"))
    other.say(order(Override.FORCED_CLOSED, reason="second"))
    for side in sides:
        side.sharing._reader._wake.clear()
        side.sharing.poll()
        assert side.sharing._reader._wake.is_set()
        side.sharing.read_rulings()
        assert side.breaker.override is Override.FORCED_CLOSED
        side.sharing._reader._wake.clear()
        side.sharing.poll()
        assert not side.sharing._reader._wake.is_set()
    assert BreakerOverride.objects.get().reason == "second"


def test_a_pause_in_one_process_holds_in_the_other_for_what_is_left_of_it(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.breaker.pause(30)
    one.sharing.poll()
    assert other.breaker.paused_seconds == 0
    other.sharing.poll()
    assert 29 < other.breaker.paused_seconds <= 30
    with pytest.raises(UpstreamBusyError) as refused:
        other.breaker.admit()
    assert 29 < (refused.value.retry_after_seconds or 0) <= 30
    other.clock.advance(30)
    other.sharing.poll()
    other.breaker.admit().succeeded(0.1)


def test_the_longest_pause_stands_and_an_absurd_one_is_clamped(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.breaker.pause(10**11)
    one.sharing.poll()
    other.breaker.pause(2)
    other.sharing.poll()
    assert 59 < other.breaker.paused_seconds <= 60
    one.sharing.poll()
    assert 59 < one.breaker.paused_seconds <= 60


def test_a_process_that_begins_during_a_pause_keeps_it(sides: tuple[Side, Side]) -> None:
    one, _ = sides
    one.breaker.pause(30)
    one.sharing.poll()
    late = Side(one.redis, one.prefix, one.clock)
    late.sharing.poll()
    assert 29 < late.breaker.paused_seconds <= 30


def test_a_pause_holds_for_a_breaker_that_is_made_after_it(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.new_breaker("member").pause(30)
    one.sharing.poll()
    other.sharing.poll()
    other.clock.advance(10)
    assert 19 < other.new_breaker("member").paused_seconds <= 20


def test_a_pause_that_is_over_leaves_nothing_in_redis(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.sharing._store.exchange("gone", OwnSnapshot(pause_seconds={"claims": 0.01}))
    wait_until(lambda: (one.sharing.poll(), not one.redis.exists(f"{one.prefix}:breakers:pauses"))[1])
    assert other.breaker.paused_seconds == 0


def test_a_report_tells_how_the_last_call_that_says_something_ended_and_when(sides: tuple[Side, Side]) -> None:
    one, _ = sides

    def told() -> tuple[str, float]:
        (report,) = one.sharing.reports()
        return report.last_answer, report.answered_at

    assert told() == ("none", 0.0)
    one.breaker.admit().failed(0.1)
    one.clock.advance(5)
    assert told() == ("failed", 1000.0)
    one.breaker.admit().ignored()
    assert told() == ("failed", 1000.0)
    one.breaker.admit().succeeded(0.1)
    one.clock.advance(5)
    assert told() == ("ok", 1005.0)


@pytest.mark.parametrize("junk", [b"", b"x", b"9999999999999", b"9" * 400 + b" x/y", b"\xff 1", b"-1 x"])
def test_junk_among_the_pauses_is_clamped_or_passed_over(sides: tuple[Side, Side], junk: bytes) -> None:
    one, other = sides
    one.redis.hset(f"{one.prefix}:breakers:pauses", mapping={"member": junk, b"\xff": junk})
    one.breaker.pause(30)
    one.sharing.poll()
    other.sharing.poll()
    assert 29 < other.breaker.paused_seconds <= 30


def test_a_process_that_says_nothing_more_leaves_no_name_in_redis(sides: tuple[Side, Side]) -> None:
    one, other = sides
    names = f"{one.prefix}:breakers:names"
    one.redis.zadd(names, {"1-dead": 1.0})
    one.sharing.poll()
    assert set(one.redis.zrange(names, 0, -1)) == {side.sharing.process.encode() for side in sides}
    assert 0 < one.redis.pttl(names) <= 5000
    assert 0 < one.redis.pttl(f"{one.prefix}:breakers:reports:{other.sharing.process}") <= 5000


def test_what_redis_does_not_take_is_told_at_the_next_look(sides: tuple[Side, Side], redis_server: RedisServer) -> None:
    _, other = sides
    full = Redis.from_url(redis_server.url, retry=None)
    one, hearer = (Side(full, other.prefix, other.clock) for _ in range(2))
    hearer.sharing.poll()
    full.config_set("maxmemory", "1")
    one.trip()
    one.breaker.pause(30)
    one.sharing.poll()
    full.config_set("maxmemory", "0")
    one.sharing.poll()
    hearer.sharing.poll()
    assert hearer.state == "half-open"
    assert 29 < hearer.breaker.paused_seconds <= 30
    full.close()


def test_staff_see_the_breakers_of_every_process_that_lives(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.trip()
    one.clock.advance(7)
    other.breaker.pause(20)
    for side in sides:
        side.sharing.poll()
    found = {report.process: report for report in one.sharing.all_reports()}
    assert set(found) == {one.sharing.process, other.sharing.process}
    mine, others = found[one.sharing.process], found[other.sharing.process]
    assert (mine.service, mine.state, mine.failures, mine.since) == ("claims", "open", 5, 1000.0)
    assert (others.state, others.paused_seconds, others.override) == ("closed", 20.0, "normal")

    one.redis.delete(f"{one.sharing._store._prefix}:reports:{other.sharing.process}")
    assert {report.process for report in one.sharing.all_reports()} == {one.sharing.process}


@pytest.mark.django_db
def test_a_row_that_cannot_be_understood_costs_that_row_only(sides: tuple[Side, Side]) -> None:
    one, other = sides
    other.new_breaker("member")
    one.say(order(), "member")
    for service in ("claims", "nobody"):
        BreakerOverride.objects.create(
            service=service, override="ajar", reason="", ordered_by="", since=timezone.now(), until=timezone.now()
        )
    other.sharing.read_rulings()
    assert other.breaker.override is Override.NORMAL
    assert other.sharing._breakers["member"].override is Override.FORCED_OPEN
    assert set(one.sharing.orders()) == {"member"}


@pytest.mark.parametrize("kind", ["trips", "pauses", "revisions", "names"])
def test_a_foreign_value_in_place_of_ours_is_dropped_and_the_trip_told_all_the_same(
    sides: tuple[Side, Side], kind: str
) -> None:
    one, other = sides
    name = f"{one.prefix}:breakers:{kind}"
    one.redis.delete(name)
    one.redis.set(name, b"foreign")
    one.trip()
    one.breaker.pause(30)
    one.sharing.poll()
    assert one.redis.type(name) != b"string"
    assert not one.circuit.is_down
    other.sharing.poll()
    assert other.state == "half-open"
    assert 29 < other.breaker.paused_seconds <= 30


def test_junk_among_the_reports_is_passed_over(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.redis.set(f"{one.sharing._store._prefix}:reports:{other.sharing.process}", b"junk")
    assert {report.process for report in one.sharing.all_reports()} == {one.sharing.process}


def test_a_healthy_call_asks_redis_nothing(sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = sides
    asked: list[Any] = []
    monkeypatch.setattr(one.circuit, "run", asked.append)
    for _ in range(100):
        one.breaker.admit().failed(0.1)
        one.breaker.admit().succeeded(0.1)
        one.breaker.admit().succeeded(0.1)
    assert asked == []


def test_a_look_costs_one_round_trip(sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = sides
    runs: list[Any] = []
    run = one.circuit.run
    monkeypatch.setattr(one.circuit, "run", lambda command: (runs.append(1), run(command))[1])
    one.sharing.publish_trip("claims")
    one.sharing.poll()
    assert len(runs) == 1


@pytest.fixture
def lonely(redis_server: RedisServer, prefix: str) -> Iterator[Side]:
    side = Side(connected(redis_server.url), prefix, FakeClock())
    side.sharing.poll()
    yield side
    side.redis.close()


@pytest.mark.alone
def test_without_redis_each_process_goes_on_alone_and_callers_wait_for_nothing(
    lonely: Side, redis_server: RedisServer
) -> None:
    redis_server.freeze()
    with pytest.raises(CacheDownError):
        lonely.sharing.poll()
    started_at = time.monotonic()
    lonely.trip()
    with pytest.raises(UpstreamCircuitOpenError):
        lonely.breaker.admit()
    lonely.clock.advance(60)
    lonely.breaker.admit().succeeded(0.1)
    assert lonely.state == "closed"
    assert time.monotonic() - started_at < 0.05
    for ask in (lonely.sharing.all_reports, lonely.sharing.rates_of_others):
        with pytest.raises(CacheDownError):
            ask()
    redis_server.thaw()


@pytest.mark.django_db
def test_an_order_holds_and_ends_at_its_time_also_while_redis_is_down(lonely: Side, redis_server: RedisServer) -> None:
    redis_server.kill()
    lonely.say(order(until=1060.0))
    lonely.sharing.read_rulings()
    with pytest.raises(CacheDownError):
        lonely.sharing.poll()
    assert lonely.breaker.override is Override.FORCED_OPEN
    lonely.clock.advance(60)
    with pytest.raises(CacheDownError):
        lonely.sharing.poll()
    assert lonely.breaker.override is Override.NORMAL


def test_the_last_known_order_holds_until_its_end_while_the_database_is_down(lonely: Side) -> None:
    readings = iter([{"claims": Ruling("r", order(until=1060.0))}])

    def read() -> Mapping[str, Ruling]:
        for rulings in readings:
            return rulings
        raise OperationalError("down")

    lonely.sharing._reader._read = read
    with capture_logs() as lines:
        for _ in range(3):
            lonely.sharing._reader._turn_safely()
            lonely.sharing.poll()
            assert lonely.breaker.override is Override.FORCED_OPEN
    assert [line["event"] for line in lines] == ["overrides.unreadable"]
    lonely.clock.advance(60)
    lonely.sharing.poll()
    assert lonely.breaker.override is Override.NORMAL


def test_a_database_that_says_nothing_keeps_neither_the_start_nor_trips_and_pauses(
    lonely: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overrides, "FIRST_READ_SECONDS", 0.05)
    monkeypatch.setattr(overrides, "STOP_SECONDS", 0.05)
    may_answer = threading.Event()
    reader = overrides.OverrideReader(lonely.sharing._take_rulings, read=lambda: (may_answer.wait(), {})[1])
    lonely.sharing._reader = reader
    lonely.sharing.start()
    lonely.trip()
    wait_until(lambda: lonely.redis.hget(f"{lonely.prefix}:breakers:trips", "claims"))
    assert reader._thread.is_alive()
    lonely.sharing.stop()
    may_answer.set()
    reader._thread.join(5)
    assert not reader._thread.is_alive()


def test_a_reader_reads_at_its_start_when_it_is_woken_and_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overrides, "READ_SECONDS", 0.01)
    readings: list[int] = []
    reader = overrides.OverrideReader(lambda _: None, read=lambda: (readings.append(1), {})[1])
    reader.start()
    assert readings
    wait_until(lambda: len(readings) > 3)
    monkeypatch.setattr(overrides, "READ_SECONDS", 3600)
    wait_until(lambda: not reader._wake.is_set())
    seen = len(readings)
    reader.wake()
    wait_until(lambda: len(readings) > seen)
    reader.stop()
    assert not reader._thread.is_alive()


def test_a_trip_while_redis_is_down_is_told_when_it_is_back(
    lonely: Side, redis_server: RedisServer, prefix: str
) -> None:
    redis_server.kill()
    lonely.trip()
    with pytest.raises(CacheDownError):
        lonely.sharing.poll()
    redis_server.start()
    wait_until(lambda: not lonely.circuit.is_down)
    other = Side(connected(redis_server.url), prefix, lonely.clock)
    other.sharing.poll()
    lonely.sharing.poll()
    other.sharing.poll()
    assert other.state == "half-open"
    other.redis.close()


@pytest.mark.django_db
def test_a_flushed_redis_changes_nothing(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.say(order(), "member")
    other.new_breaker("member")
    one.trip()
    one.sharing.poll()
    for name in list(one.redis.scan_iter(match=f"{one.sharing._store._prefix}*")):
        one.redis.delete(name)
    for side in sides:
        side.sharing.poll()
        side.sharing.read_rulings()
    assert other.sharing._breakers["member"].override is Override.FORCED_OPEN
    assert (one.state, other.state) == ("open", "closed")
    assert len({report.process for report in one.sharing.all_reports()}) == 2


PROCESS = """
import time, django
django.setup()
from gateway_clients.errors import UpstreamCircuitOpenError
from gateway_clients.pipeline.upstreams import upstream
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

STAFF = """
import sys, time, django
django.setup()
from gateway_clients.resilience.breaker import Override
from gateway_clients.resilience.breaker_sync import OverrideOrder, breaker_sync
sharing = breaker_sync()
print("ready", flush=True)
for line in sys.stdin:
    if line == "open\\n":
        order = OverrideOrder(Override.FORCED_OPEN, time.time() + 3600, "maintenance", "7")
        ruling = sharing.order("claims", order)
    else:
        ruling = sharing.order_reset("claims", reason="done", ordered_by="7")
    print(time.time(), flush=True)
    sharing.announce("claims", ruling)
"""


class Calls:
    """A process that calls the claims service a hundred times a second, as far as its breaker lets it."""

    def __init__(self, log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROCESS], stdout=output, stderr=output, cwd=ROOT, env=environment
            )

    def all(self) -> list[tuple[float, str]]:
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return [(float(line[0]), line[1]) for line in lines if len(line) == 2 and not line[0].startswith("{")]

    def first_after(self, at: float, said: str) -> float | None:
        return next((when - at for when, what in self.all() if when > at and what == said), None)


@pytest.mark.alone
def test_orders_reach_other_processes_within_a_second_and_hold_whatever_becomes_of_redis_and_of_them(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    database = tmp_path / "database.sqlite3"
    shutil.copy(migrated_database(), database)
    environment = {
        **clean_environment(),
        "ENVIRONMENT": "development",
        "DJANGO_SETTINGS_MODULE": "bff_project.settings",
        "REDIS_URL": redis_server.url,
        "DATABASE_URL": f"sqlite:///{database}",
    }
    several = [Calls(tmp_path / name, environment) for name in ("one", "two")]
    staff = subprocess.Popen(
        [sys.executable, "-c", STAFF], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env=environment,
    )  # fmt: skip
    assert staff.stdin is not None
    assert staff.stdout is not None

    def say(word: str) -> float:
        staff.stdin.write(f"{word}\n")
        staff.stdin.flush()
        return next(float(line) for line in staff.stdout if not line.startswith("{"))

    def most_seconds(at: float, said: str) -> float:
        return max(wait_until(lambda calls=calls: calls.first_after(at, said)) for calls in several)

    try:
        wait_until(lambda: all(calls.all() for calls in several), seconds=20)
        assert "ready\n" in staff.stdout
        assert all(said == "through" for calls in several for _, said in calls.all())

        assert most_seconds(say("open"), "refused") < 1.0
        assert most_seconds(say("reset"), "through") < 1.0
        forced_at = say("open")
        holds_at = forced_at + most_seconds(forced_at, "refused")

        redis = Redis.from_url(redis_server.url)
        redis.flushall()
        wait_until(lambda: len(redis.keys("*:breakers:reports:*")) >= 2)
        redis.close()
        redis_server.kill()
        several.append(Calls(tmp_path / "three", environment))
        wait_until(several[2].all, seconds=20)
        for calls in several:
            assert {said for at, said in calls.all() if at > holds_at} == {"refused"}

        assert most_seconds(say("reset"), "through") < 1.0
        assert most_seconds(say("open"), "refused") < 1.0
    finally:
        for process in (staff, *(calls.process for calls in several)):
            process.kill()
            process.wait()
        staff.stdin.close()
        staff.stdout.close()


def test_a_report_survives_the_way_through_redis(sides: tuple[Side, Side]) -> None:
    report = sides[0].sharing.reports()[0]
    assert msgspec.json.decode(msgspec.json.encode(report), type=type(report)) == report


def test_it_looks_no_more_once_stopped() -> None:
    circuit = RedisCircuit(default_connection)
    sharing = BreakerSync(circuit, prefix=uuid.uuid4().hex)
    sharing.start()

    sharing.stop()

    assert "breaker-sharing" not in {thread.name for thread in threading.enumerate() if thread is sharing._thread}
