"""What `/health` and the checks at start say of Redis: whether it takes writes, and whether it is of a kind we know."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from pytest_django import Settings
from redis import Redis
from structlog.testing import capture_logs

from gateway_clients.caching.redis_state import redis_state
from gateway_clients.caching.store import default_cache, default_circuit
from gateway_clients.checks import check_redis
from gateway_clients.redis_access.circuit import default_connection
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until


@pytest.fixture
def use(settings: Settings) -> Iterator[Callable[[RedisServer], None]]:
    """Makes a server this process's Redis."""

    def used(server: RedisServer) -> None:
        default = {**settings.CACHES["default"], "LOCATION": server.url}
        settings.CACHES = {**settings.CACHES, "default": default}
        default_connection.cache_clear()
        forget_cache()

    yield used
    caches["default"].close()
    default_connection.cache_clear()
    forget_cache()


def forget_cache() -> None:
    for made_once in (default_circuit, default_cache):
        made_once.cache_clear()


def fill_up(redis: Redis) -> None:
    redis.config_set("maxmemory-policy", "noeviction")
    redis.config_set("maxmemory", "1")


TROUBLES: dict[str, tuple[Callable[[Redis], Any], Callable[[Redis], Any]]] = {
    "a replica": (lambda redis: redis.replicaof("127.0.0.1", "1"), lambda redis: redis.replicaof("NO", "ONE")),
    "full": (fill_up, lambda redis: redis.config_set("maxmemory", "0")),
    "without the replicas that it needs": (
        lambda redis: redis.config_set("min-replicas-to-write", "1"),
        lambda redis: redis.config_set("min-replicas-to-write", "0"),
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("trouble", "recovery"), TROUBLES.values(), ids=TROUBLES)
@pytest.mark.parametrize("is_known", [True, False], ids=["asked before", "not asked before"])
def test_a_redis_that_takes_no_writes_is_down_for_writes_until_it_does(
    client: Client,
    use: Callable[[RedisServer], None],
    redis_server: RedisServer,
    trouble: Callable[[Redis], Any],
    recovery: Callable[[Redis], Any],
    is_known: bool,
) -> None:
    use(redis_server)
    states = [redis_state()] if is_known else ["up"]
    with Redis(port=redis_server.port) as redis:
        trouble(redis)
        states.append(redis_state())
        reported = client.get("/health").json()
        recovery(redis)
    wait_until(lambda: redis_state() == "up")

    assert states == ["up", "down for writes"]
    assert (reported["status"], reported["checks"]["redis"]) == ("degraded", "down for writes")


def test_a_redis_that_refuses_connections_is_down(
    use: Callable[[RedisServer], None], redis_server: RedisServer
) -> None:
    use(redis_server)
    redis_server.kill()

    assert [redis_state(), redis_state()] == ["down", "down"]


@pytest.mark.alone
@pytest.mark.parametrize("is_known", [True, False], ids=["asked before", "not asked before"])
def test_a_frozen_redis_is_down_within_two_of_its_timeouts(
    use: Callable[[RedisServer], None], redis_server: RedisServer, is_known: bool
) -> None:
    use(redis_server)
    assert not is_known or redis_state() == "up"
    redis_server.freeze()
    began = time.monotonic()
    states = [redis_state() for _ in range(50)]

    assert states == ["down"] * 50
    assert time.monotonic() - began < 0.3


def test_a_cluster_is_refused_at_start_and_said_loudly(
    use: Callable[[RedisServer], None], redis_server: RedisServer
) -> None:
    redis_server.kill()
    redis_server.start("cluster-enabled yes")
    use(redis_server)
    with capture_logs() as logs:
        states = [redis_state() for _ in range(3)]

    assert states == ["cluster"] * 3
    # Another circuit of this test process may say the same of the same server.
    assert list(dict.fromkeys((line["log_level"], line["event"]) for line in logs)) == [
        ("error", "cache.cluster"),
        ("warning", "cache.down"),
    ]
    assert [message.id for message in check_redis()] == ["gateway.E008"]


def test_a_single_server_is_taken_at_start_and_so_is_one_that_is_not_there(
    use: Callable[[RedisServer], None], redis_server: RedisServer
) -> None:
    use(redis_server)
    assert check_redis() == []
    redis_server.kill()
    assert check_redis() == []
