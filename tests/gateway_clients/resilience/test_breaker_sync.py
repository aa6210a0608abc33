"""What processes tell each other of their breakers, over a real Redis: here two sides, each with its own guard."""

import threading
import time
import uuid
from typing import Any

import pytest
from pytest_django import Settings
from redis import Redis

from gateway_clients.errors import UpstreamBusyError, UpstreamCircuitOpenError
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit, default_connection
from gateway_clients.resilience.breaker import Override
from gateway_clients.resilience.breaker_store import OwnSnapshot
from gateway_clients.resilience.breaker_sync import BreakerSync
from tests.gateway_clients.resilience.sides import Side, connected, order
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until


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


@pytest.mark.parametrize("seconds", [None, 3_600], ids=["foreign", "of before the clock was set back"])
def test_no_probe_is_waited_for_longer_than_one_may_take(sides: tuple[Side, Side], seconds: int | None) -> None:
    one, _ = sides
    one.trip()
    one.clock.advance(60)
    one.redis.set(f"{one.sharing._store._prefix}:probe:claims", "somebody", ex=seconds)

    assert one.breaker.admit().is_probe


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


@pytest.mark.parametrize("junk", [b"", b"x", b"9999999999999", b"9" * 400 + b" x/y", b"\xff 1", b"-1 x"])
def test_junk_among_the_pauses_is_clamped_or_passed_over(sides: tuple[Side, Side], junk: bytes) -> None:
    one, other = sides
    one.redis.hset(f"{one.prefix}:breakers:pauses", mapping={"member": junk, b"\xff": junk})
    one.breaker.pause(30)
    one.sharing.poll()
    other.sharing.poll()
    assert 29 < other.breaker.paused_seconds <= 30


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
    one.breaker.open()
    one.sharing.poll()
    assert len(runs) == 1


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


def test_it_looks_no_more_once_stopped() -> None:
    circuit = RedisCircuit(default_connection)
    sharing = BreakerSync(circuit, prefix=uuid.uuid4().hex)
    sharing.start()

    sharing.stop()

    assert "breaker-sharing" not in {thread.name for thread in threading.enumerate() if thread is sharing._thread}
