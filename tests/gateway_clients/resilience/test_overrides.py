"""Staff's overrides: rows in the database that every process reads, and that hold without Redis."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import OperationalError
from django.utils import timezone
from redis import Redis
from structlog.testing import capture_logs

from gateway_clients.models import BreakerOverride
from gateway_clients.redis_access.circuit import CacheDownError
from gateway_clients.resilience import overrides
from gateway_clients.resilience.breaker import Override
from gateway_clients.resilience.overrides import Ruling
from tests.gateway_clients.resilience.sides import Side, order
from tests.support.gateway import migrated_database
from tests.support.processes import clean_environment
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]


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


@pytest.mark.django_db
def test_the_end_of_an_order_by_itself_is_told_once_and_staffs_is_not(lonely: Side) -> None:
    lonely.say(order(until=1060.0))
    with capture_logs() as lines:
        for _ in range(2):
            lonely.sharing.read_rulings()
            lonely.clock.advance(60)
        lonely.say(order(until=1180.0))
        lonely.sharing.read_rulings()
        lonely.reset()
        lonely.sharing.read_rulings()
    told = [(line["event"], line["service"], line["override"]) for line in lines]
    assert told == [("overrides.ended", "claims", "forced_open")]


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
    reader = overrides.OverrideReader(lonely.sharing._rulings.take, read=lambda: (may_answer.wait(), {})[1])
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
from gateway_clients.resilience.breaker_sync import breaker_sync
from gateway_clients.resilience.overrides import OverrideOrder
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


@pytest.mark.long
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
