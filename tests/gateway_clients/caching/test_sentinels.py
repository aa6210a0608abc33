"""Sentinels are asked where the primary is, whenever a connection is dialled."""

import socket
import time
from collections.abc import Iterator

import pytest
from redis import ConnectionPool, Redis
from redis.exceptions import RedisError

from gateway_clients.redis_access.connection import pool_options
from gateway_clients.redis_access.sentinels import Places
from tests.support.redis_server import RedisServer
from tests.support.sentinel import NAME, SentinelServer

TIMEOUT_SECONDS = 0.3


@pytest.fixture
def replica(redis_server: RedisServer) -> Iterator[RedisServer]:
    made = RedisServer()
    made.start(f"replicaof 127.0.0.1 {redis_server.port}")
    yield made
    made.remove()


@pytest.fixture
def sentinel(redis_server: RedisServer) -> Iterator[SentinelServer]:
    made = SentinelServer(redis_server)
    yield made
    made.remove()


def client(sentinels: Places, name: str = NAME) -> Redis:
    url = f"redis://{name}/0"
    options = pool_options(url, timeout_seconds=TIMEOUT_SECONDS, most=20, sentinels=sentinels)
    return Redis(connection_pool=ConnectionPool.from_url(url, **options))


def test_one_that_is_silent_and_one_that_is_gone_cost_a_moment(
    redis_server: RedisServer, sentinel: SentinelServer, free_port
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        places = (silent.getsockname(), ("127.0.0.1", free_port()), ("127.0.0.1", sentinel.port))
        began = time.monotonic()
        asked = client(places)
        port = asked.info("server")["tcp_port"]
        took = time.monotonic() - began
        asked.connection_pool.disconnect()

    assert port == redis_server.port
    assert TIMEOUT_SECONDS <= took < 3 * TIMEOUT_SECONDS


def test_a_name_that_they_do_not_know_is_an_error_of_rediss(sentinel: SentinelServer) -> None:
    with pytest.raises(RedisError, match="no sentinel knows"):
        client((("127.0.0.1", sentinel.port),), "another").ping()


@pytest.mark.long
def test_behind_a_failover_the_next_connection_leads_to_the_new_primary(
    redis_server: RedisServer, replica: RedisServer, sentinel: SentinelServer
) -> None:
    asked = client((("127.0.0.1", sentinel.port),))
    before = asked.info("server")["tcp_port"]
    sentinel.await_replica()
    redis_server.kill()
    sentinel.await_primary(replica)
    after = asked.info("server")["tcp_port"]

    assert (before, after) == (redis_server.port, replica.port)
