"""A refusal of one command is its caller's alone; one that any command would get makes Redis down."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings
from redis import ConnectionPool, Redis
from redis.exceptions import MaxConnectionsError, ResponseError

from gateway_clients.caching.entries import Found
from gateway_clients.caching.guard import CacheDownError, CacheRefusedError, RedisGuard
from gateway_clients.caching.invalidation import Invalidations
from gateway_clients.caching.refusals import concerns_server, refusal_code
from gateway_clients.caching.scripts import Script
from gateway_clients.caching.store import Cache
from gateway_clients.resilience.blackboard import Blackboard, OwnNews
from tests.gateway_clients.caching.steps import BENEFITS, fill, lease, look
from tests.gateway_clients.caching.steps import value_of as value
from tests.support.redis_server import RedisServer

WRITING = Script("return redis.call('SET', KEYS[1], 'x')")


@pytest.fixture
def outside(redis_server: RedisServer) -> Iterator[Redis]:
    client = Redis.from_url(redis_server.url)
    yield client
    client.close()


@pytest.fixture
def guard(redis_server: RedisServer, settings: Settings) -> RedisGuard:
    """Of a Redis that nobody else knows; once it is down it stays so."""
    options = settings.CACHES["default"]["OPTIONS"]["CONNECTION_POOL_KWARGS"]
    redis = Redis(connection_pool=ConnectionPool.from_url(redis_server.url, **options))
    return RedisGuard(lambda: redis, sleep=lambda _: threading.Event().wait())


def fill_up(outside: Redis) -> None:
    outside.config_set("maxmemory-policy", "noeviction")
    outside.config_set("maxmemory", "1")


def hash_at(name: str) -> Callable[[Redis], Any]:
    return lambda redis: (redis.hset(name, "field", "value"), redis.incr(name))


COMMANDS: dict[str, tuple[str, Callable[[RedisGuard], object]]] = {
    "a value of another type": ("WRONGTYPE", lambda guard: guard.run(hash_at("h"))),
    "a command that is none": ("ERR", lambda guard: guard.run(lambda redis: redis.execute_command("NONESUCH"))),
    "a script that fails": ("ERR", lambda guard: guard.script(Script("return redis.call('INCR')"), [], [])),
}


@pytest.mark.parametrize(("code", "command"), COMMANDS.values(), ids=COMMANDS)
def test_one_command_that_is_refused_leaves_redis_in_use(
    guard: RedisGuard, code: str, command: Callable[[RedisGuard], object]
) -> None:
    for _ in range(3):
        with pytest.raises(CacheRefusedError) as refused:
            command(guard)
        assert (refused.value.code, guard.is_down) == (code, False)
    assert guard.script(WRITING, ["key"], []) == b"OK"


def test_a_full_redis_goes_on_answering_what_it_holds(guard: RedisGuard, outside: Redis) -> None:
    cache = Cache(guard, invalidations=Invalidations(), chance=lambda: 0.0)
    fill(cache, value="kept")
    fill_up(outside)

    assert lease(cache, BENEFITS).found is Found.DOWN
    with pytest.raises(CacheRefusedError, check=lambda error: error.code == "OOM"):
        guard.script(WRITING, ["key"], [])
    assert value(look(cache)) == "kept"
    assert not guard.is_down


def test_an_invalidation_that_a_full_redis_refuses_makes_it_down_until_it_is_done(
    guard: RedisGuard, outside: Redis
) -> None:
    cache = Cache(guard, invalidations=Invalidations(), chance=lambda: 0.0)
    fill(cache, value="old")
    fill_up(outside)
    cache.invalidations.invalidate(guard, ["member:m-1"])

    assert guard.is_down
    assert look(cache).found is Found.DOWN


WRITES: dict[str, Callable[[RedisGuard], object]] = {
    "a command": lambda guard: guard.run(lambda redis: redis.set("key", "x")),
    "a script": lambda guard: guard.script(WRITING, ["key"], []),
    "what the processes tell each other": lambda guard: Blackboard(guard, prefix="test").exchange("process", OwnNews()),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_replica_is_down(guard: RedisGuard, outside: Redis, write: Callable[[RedisGuard], object]) -> None:
    """What it holds may be old: nobody tells it of an invalidation."""
    guard.script(WRITING, ["key"], [])
    outside.replicaof("127.0.0.1", "1")

    with pytest.raises(CacheDownError, check=lambda error: not isinstance(error, CacheRefusedError)):
        write(guard)
    assert guard.is_down


def out_of_connections(_: Redis) -> None:
    raise MaxConnectionsError("Too many connections")


@pytest.mark.parametrize("command", [out_of_connections, lambda redis: redis.set("key", object())])
def test_a_command_that_was_not_sent_says_nothing_of_redis(
    guard: RedisGuard, command: Callable[[Redis], object]
) -> None:
    with pytest.raises(CacheRefusedError):
        guard.run(command)
    assert not guard.is_down


@pytest.mark.parametrize(
    ("text", "code", "is_of_server"),
    [
        ("Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY You can't", "READONLY", True),
        ("Error running script (call to f_1): @user_script:1: @user_script: 1: -OOM command not", "OOM", False),
        ("MISCONF Redis is configured to save RDB snapshots", "MISCONF", False),
        ("MOVED 866 127.0.0.1:7001", "MOVED", True),
    ],
)
def test_refusals_are_known_by_their_code_also_within_a_script(text: str, code: str, is_of_server: bool) -> None:
    error = ResponseError(text)
    assert (refusal_code(error), concerns_server(error)) == (code, is_of_server)
