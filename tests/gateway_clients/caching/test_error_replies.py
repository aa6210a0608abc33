"""A refusal of one command is its caller's alone; one that any command would get makes Redis down."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings
from redis import ConnectionPool, Redis
from redis.exceptions import MaxConnectionsError, ResponseError

from gateway_clients.caching.invalidation import Invalidations
from gateway_clients.caching.lookups import LookupStatus
from gateway_clients.caching.store import Cache
from gateway_clients.redis_access.circuit import CacheDownError, CacheRefusedError, RedisCircuit
from gateway_clients.redis_access.error_replies import concerns_server, refusal_code
from gateway_clients.redis_access.script import Script
from gateway_clients.resilience.breaker_store import BreakerStore, OwnSnapshot
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
def circuit(redis_server: RedisServer, settings: Settings) -> RedisCircuit:
    """Of a Redis that nobody else knows; once it is down it stays so."""
    options = settings.CACHES["default"]["OPTIONS"]["CONNECTION_POOL_KWARGS"]
    redis = Redis(connection_pool=ConnectionPool.from_url(redis_server.url, **options))
    return RedisCircuit(lambda: redis, sleep=lambda _: threading.Event().wait())


def fill_up(outside: Redis) -> None:
    outside.config_set("maxmemory-policy", "noeviction")
    outside.config_set("maxmemory", "1")


def hash_at(name: str) -> Callable[[Redis], Any]:
    return lambda redis: (redis.hset(name, "field", "value"), redis.incr(name))


COMMANDS: dict[str, tuple[str, Callable[[RedisCircuit], object]]] = {
    "a value of another type": ("WRONGTYPE", lambda circuit: circuit.run(hash_at("h"))),
    "a command that is none": ("ERR", lambda circuit: circuit.run(lambda redis: redis.execute_command("NONESUCH"))),
    "a script that fails": ("ERR", lambda circuit: circuit.script(Script("return redis.call('INCR')"), [], [])),
}


@pytest.mark.parametrize(("code", "command"), COMMANDS.values(), ids=COMMANDS)
def test_one_command_that_is_refused_leaves_redis_in_use(
    circuit: RedisCircuit, code: str, command: Callable[[RedisCircuit], object]
) -> None:
    for _ in range(3):
        with pytest.raises(CacheRefusedError) as refused:
            command(circuit)
        assert (refused.value.code, circuit.is_down) == (code, False)
    assert circuit.script(WRITING, ["key"], []) == b"OK"


def test_a_full_redis_goes_on_answering_what_it_holds(circuit: RedisCircuit, outside: Redis) -> None:
    cache = Cache(circuit, invalidations=Invalidations(), chance=lambda: 0.0)
    fill(cache, value="kept")
    fill_up(outside)

    assert lease(cache, BENEFITS).status is LookupStatus.DOWN
    with pytest.raises(CacheRefusedError, check=lambda error: error.code == "OOM"):
        circuit.script(WRITING, ["key"], [])
    assert value(look(cache)) == "kept"
    assert not circuit.is_down


def test_an_invalidation_that_a_full_redis_refuses_makes_it_down_until_it_is_done(
    circuit: RedisCircuit, outside: Redis
) -> None:
    cache = Cache(circuit, invalidations=Invalidations(), chance=lambda: 0.0)
    fill(cache, value="old")
    fill_up(outside)
    cache.invalidations.invalidate(circuit, ["member:m-1"])

    assert circuit.is_down
    assert look(cache).status is LookupStatus.DOWN


WRITES: dict[str, Callable[[RedisCircuit], object]] = {
    "a command": lambda circuit: circuit.run(lambda redis: redis.set("key", "x")),
    "a script": lambda circuit: circuit.script(WRITING, ["key"], []),
    "what the processes tell each other": lambda circuit: BreakerStore(circuit, prefix="test").exchange(
        "process", OwnSnapshot()
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_replica_is_down(circuit: RedisCircuit, outside: Redis, write: Callable[[RedisCircuit], object]) -> None:
    """What it holds may be old: nobody tells it of an invalidation."""
    circuit.script(WRITING, ["key"], [])
    outside.replicaof("127.0.0.1", "1")

    with pytest.raises(CacheDownError, check=lambda error: not isinstance(error, CacheRefusedError)):
        write(circuit)
    assert circuit.is_down


def out_of_connections(_: Redis) -> None:
    raise MaxConnectionsError("Too many connections")


@pytest.mark.parametrize("command", [out_of_connections, lambda redis: redis.set("key", object())])
def test_a_command_that_was_not_sent_says_nothing_of_redis(
    circuit: RedisCircuit, command: Callable[[Redis], object]
) -> None:
    with pytest.raises(CacheRefusedError):
        circuit.run(command)
    assert not circuit.is_down


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
