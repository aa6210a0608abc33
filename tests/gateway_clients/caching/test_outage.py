"""Redis killed, frozen, flushed, full: what a caller pays, and that nothing invalidated meanwhile is seen."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings
from redis import ConnectionPool, Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from gateway_clients.caching.invalidation import Invalidations
from gateway_clients.caching.lookups import LookupStatus
from gateway_clients.caching.purge import purge_pattern
from gateway_clients.caching.redis_keys import entry_name
from gateway_clients.caching.store import Cache
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit, default_connection
from tests.gateway_clients.caching.steps import BENEFITS, CLAIMS, OTHERS_CLAIMS, entry, fill, lease, look
from tests.gateway_clients.caching.steps import value_of as value
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

#: One socket timeout of the settings, and what a busy machine adds.
ONE_TIMEOUT_SECONDS = 0.1 + 0.08


def seconds_of(action: Callable[[], Any]) -> float:
    started_at = time.monotonic()
    action()
    return time.monotonic() - started_at


@pytest.fixture
def own_redis(redis_server: RedisServer) -> RedisServer:
    """A Redis that nobody knows but this test: the process's own cache, and what its threads do there, is elsewhere."""
    return redis_server


@pytest.fixture
def outside(own_redis: RedisServer) -> Iterator[Redis]:
    client = Redis.from_url(own_redis.url)
    yield client
    client.close()


@pytest.fixture
def cache(own_redis: RedisServer, settings: Settings) -> Cache:
    invalidations = Invalidations()
    options = settings.CACHES["default"]["OPTIONS"]["CONNECTION_POOL_KWARGS"]
    redis = Redis(connection_pool=ConnectionPool.from_url(own_redis.url, **options))
    circuit = RedisCircuit(lambda: redis, before_return=invalidations.apply_kept, sleep=lambda _: time.sleep(0.02))
    return Cache(circuit, invalidations=invalidations, chance=lambda: 0.0)


def is_up(cache: Cache) -> bool:
    return not cache.circuit.is_down


def test_with_redis_killed_nothing_raises_and_nothing_is_kept(cache: Cache, own_redis: RedisServer) -> None:
    fill(cache)
    own_redis.kill()
    reading = lease(cache)
    assert (reading.status, reading.entry, reading.token) == (LookupStatus.DOWN, None, "")
    assert cache.store([cache.write_for(reading, entry("v"))]) == [None]
    cache.release([reading])
    cache.discard(CLAIMS)
    assert cache.get(CLAIMS, str) is None
    assert cache.set(CLAIMS, "v") is False
    assert cache.delete(CLAIMS) is False
    assert cache.get_or_set(CLAIMS, str, lambda: "made", make_seconds=1) == "made"
    assert cache.invalidate_pattern("*") is None
    assert cache.expire(CLAIMS, 1) is False
    cache.invalidations.invalidate(cache.circuit, ["member:m-1"])
    cache.invalidations.invalidate_everything(cache.circuit)
    with pytest.raises(CacheDownError):
        purge_pattern(cache.circuit, "*")


@pytest.mark.alone
def test_a_killed_redis_costs_the_first_caller_less_than_a_timeout_and_the_others_nothing(
    cache: Cache, own_redis: RedisServer
) -> None:
    fill(cache)
    own_redis.kill()
    assert seconds_of(lambda: lease(cache)) < ONE_TIMEOUT_SECONDS
    assert seconds_of(lambda: [lease(cache) for _ in range(100)]) < 0.05


@pytest.mark.alone
@pytest.mark.parametrize("is_connected", [True, False], ids=["on an old connection", "on a new connection"])
def test_a_frozen_redis_costs_the_first_caller_one_timeout_and_the_others_nothing(
    cache: Cache, own_redis: RedisServer, is_connected: bool
) -> None:
    if is_connected:
        fill(cache)
    own_redis.freeze()
    assert 0.09 < seconds_of(lambda: lease(cache)) < ONE_TIMEOUT_SECONDS
    assert seconds_of(lambda: [lease(cache) for _ in range(100)]) < 0.05
    assert cache.circuit.is_down
    own_redis.thaw()
    wait_until(lambda: is_up(cache))
    assert fill(cache, value="after")
    assert value(look(cache)) == "after"


@pytest.mark.alone
def test_twenty_callers_who_meet_the_frozen_redis_at_once_pay_one_timeout_each(
    cache: Cache, own_redis: RedisServer
) -> None:
    took_seconds: list[float] = []
    ready = threading.Barrier(20)

    def ask() -> None:
        look(cache)
        ready.wait(5)
        if threading.current_thread().name == "0":
            own_redis.freeze()
        ready.wait(5)
        took_seconds.append(seconds_of(lambda: lease(cache)))

    threads = [threading.Thread(target=ask, name=str(number)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(took_seconds) == 20
    assert max(took_seconds) < ONE_TIMEOUT_SECONDS + 0.1
    own_redis.thaw()


def test_a_lease_that_a_thawed_redis_takes_for_nobody_is_given_back(cache: Cache, own_redis: RedisServer) -> None:
    fill(cache, BENEFITS)
    own_redis.freeze()
    assert lease(cache).status is LookupStatus.DOWN
    own_redis.thaw()
    wait_until(lambda: is_up(cache))
    assert lease(cache).status is LookupStatus.LEASED


def test_answers_of_a_thawed_redis_are_not_mixed_up(cache: Cache, own_redis: RedisServer) -> None:
    fill(cache, CLAIMS, "claims")
    fill(cache, BENEFITS, "benefits")

    def answers() -> list[object]:
        readings = [look(cache, key) for key in (BENEFITS, CLAIMS)]
        return (
            [] if LookupStatus.DOWN in {reading.status for reading in readings} else [value(each) for each in readings]
        )

    for _ in range(3):
        own_redis.freeze()
        look(cache, CLAIMS)
        own_redis.thaw()
        assert wait_until(answers) == ["benefits", "claims"]


def test_it_comes_back_by_itself_without_any_caller(cache: Cache, own_redis: RedisServer) -> None:
    own_redis.kill()
    lease(cache)
    own_redis.start()
    wait_until(lambda: is_up(cache))
    assert fill(cache)


def test_only_one_probe_runs_however_many_callers_failed(cache: Cache, own_redis: RedisServer) -> None:
    others = set(threading.enumerate())
    own_redis.kill()
    threads = [threading.Thread(target=lease, args=(cache,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    begun = set(threading.enumerate()) - others
    # Other threads of the process may look up the address of its own Redis meanwhile.
    assert [thread.name for thread in begun if thread.name != "resolver"] == ["redis-probe"]
    own_redis.start()
    wait_until(lambda: is_up(cache))


def test_what_was_invalidated_while_redis_was_frozen_is_never_seen_again(cache: Cache, own_redis: RedisServer) -> None:
    for key in (CLAIMS, BENEFITS, OTHERS_CLAIMS):
        fill(cache, key, "old")
    told: list[frozenset[str]] = []
    cache.invalidations.listen(told.append)
    own_redis.freeze()
    cache.invalidations.invalidate(cache.circuit, ["member:m-1:claims"])
    cache.delete(BENEFITS)
    assert told == [frozenset({"member:m-1:claims"})]
    own_redis.thaw()
    first = wait_until(lambda: found if (found := look(cache)).status is not LookupStatus.DOWN else None)
    assert first.entry is None
    assert look(cache, BENEFITS).entry is None
    assert value(look(cache, OTHERS_CLAIMS)) == "old"


def test_a_fill_that_began_before_the_outage_is_not_stored_after_an_invalidation_in_it(
    cache: Cache, own_redis: RedisServer
) -> None:
    under_way = lease(cache)
    own_redis.freeze()
    cache.invalidations.invalidate(cache.circuit, ["member:m-1"])
    own_redis.thaw()
    wait_until(lambda: is_up(cache))
    assert cache.store([cache.write_for(under_way, entry("old"))]) == [False]


def test_a_pattern_or_too_many_tags_invalidated_in_an_outage_drop_everything(
    cache: Cache, own_redis: RedisServer
) -> None:
    for invalidate in (
        lambda: cache.invalidate_pattern("benefits:*"),
        lambda: cache.invalidations.invalidate(cache.circuit, [f"member:m-{number}" for number in range(2, 10_100)]),
        lambda: cache.invalidations.invalidate_everything(cache.circuit),
    ):
        fill(cache, value="old")
        own_redis.freeze()
        invalidate()
        own_redis.thaw()
        wait_until(lambda: is_up(cache))
        assert look(cache).entry is None


class Scripted:
    """A Redis whose commands do what the test says."""

    connection_pool = ConnectionPool()

    def __init__(self, **commands: Callable[..., Any]) -> None:
        self.__dict__.update(commands)


def fail(*_: object, **__: object) -> None:
    raise RedisConnectionError


def test_an_invalidation_that_meets_the_return_of_redis_is_not_lost() -> None:
    """The moment between "what was kept is applied" and "Redis is used again" must not exist."""
    invalidations = Invalidations()
    is_applying, may_come_up = threading.Event(), threading.Event()
    written: list[str] = []

    def apply(redis: Redis) -> None:
        invalidations.apply_kept(redis)
        is_applying.set()
        may_come_up.wait(5)

    def change(_source: str, _count: int, name: str, *_: object) -> None:
        written.append(name)

    redis = Scripted(set=lambda *_, **__: True, get=fail, eval=change)
    circuit = RedisCircuit(lambda: redis, before_return=apply, sleep=lambda _: time.sleep(0.01))
    with pytest.raises(CacheDownError):
        circuit.run(lambda client: client.get("x"))
    assert is_applying.wait(5)

    invalidating = threading.Thread(target=invalidations.invalidate, args=(circuit, ["member:m-1"]))
    invalidating.start()
    invalidating.join(0.1)
    may_come_up.set()
    invalidating.join(5)
    assert not circuit.is_down
    assert [name.rpartition(":v:")[2] for name in written] == ["member:m-1"]


def no_thread(_: threading.Thread) -> None:
    """Does what Python does where the process may have no more threads."""
    raise RuntimeError("can't start new thread")


def test_a_probe_that_gets_no_thread_begins_with_the_next_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    redis = Scripted(set=lambda *_, **__: True, get=fail)
    circuit = RedisCircuit(lambda: redis, sleep=lambda _: time.sleep(0.01))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(CacheDownError):
            circuit.run(lambda client: client.get("x"))
    assert circuit.is_down

    with pytest.raises(CacheDownError):
        circuit.run(lambda client: client.get("x"))

    wait_until(lambda: not circuit.is_down)


def test_while_what_was_kept_cannot_be_written_redis_stays_down(cache: Cache) -> None:
    tries: list[int] = []

    def refuse_twice(_: Redis) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RedisConnectionError
        if len(tries) == 2:
            raise ValueError("of another kind")

    connect = iter([Scripted(get=fail)])
    circuit = RedisCircuit(
        lambda: next(connect, default_connection()), before_return=refuse_twice, sleep=lambda _: time.sleep(0.01)
    )
    with pytest.raises(CacheDownError):
        circuit.run(lambda client: client.get("x"))
    wait_until(lambda: not circuit.is_down)
    assert len(tries) == 3


def test_a_redis_that_is_full_is_not_taken_for_one_that_is_back(
    cache: Cache, own_redis: RedisServer, outside: Redis
) -> None:
    fill(cache, value="old")
    outside.config_set("maxmemory", "1")
    outside.config_set("maxmemory-policy", "noeviction")
    with pytest.raises(ResponseError):
        outside.set("x", "y")
    cache.invalidations.invalidate(cache.circuit, ["member:m-1"])
    assert cache.circuit.is_down
    refused = outside.info("commandstats")["cmdstat_set"]["rejected_calls"]
    wait_until(lambda: outside.info("commandstats")["cmdstat_set"]["rejected_calls"] > refused + 2)
    assert cache.circuit.is_down

    outside.config_set("maxmemory", "0")
    wait_until(lambda: is_up(cache))
    assert look(cache).entry is None


def test_a_flushed_redis_is_empty_and_goes_on(cache: Cache, outside: Redis) -> None:
    fill(cache)
    outside.flushall()
    assert look(cache).status is LookupStatus.MISS
    assert fill(cache, value="new")
    assert value(look(cache)) == "new"
    assert outside.exists(entry_name(CLAIMS))
