"""The address of Redis leads to another server: every process goes there, and shows nothing that was dropped before."""

import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from pytest_django import Settings
from redis import ConnectionPool, Redis

from gateway_clients.caching.invalidation import Invalidations
from gateway_clients.caching.lookups import LookupStatus
from gateway_clients.caching.store import Cache
from gateway_clients.cluster.channel import ENTRIES
from gateway_clients.cluster.membership import Cluster
from gateway_clients.redis_access import connection
from gateway_clients.redis_access.circuit import RedisCircuit
from gateway_clients.redis_access.connection import pool_options
from gateway_clients.redis_access.script_pool import script_pool_of
from gateway_clients.redis_access.server_identity import server_at
from tests.gateway_clients.caching.steps import BENEFITS, CLAIMS, fill, lease, look
from tests.gateway_clients.caching.steps import value_of as value
from tests.support.calls import at_once
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

NAME = "redis.test"


class Two:
    """Two servers, and the name that leads to one of them."""

    def __init__(self) -> None:
        self.old, self.new = RedisServer(), RedisServer()
        self.named = self.old
        for server in (self.old, self.new):
            server.start()

    def look_up(self, system: Callable[..., Any]) -> Callable[..., Any]:
        """The system's look-up of names, which knows ours as well."""

        def looked_up(host: str, port: int, *rest: Any, **options: Any) -> Any:
            place = ("127.0.0.1", self.named.port) if host == NAME else (host, port)
            return system(*place, *rest, **options)

        return looked_up

    def replicate(self) -> None:
        """The new one holds what the old one does; what is written from now on gets lost."""
        with Redis(port=self.new.port) as new:
            new.replicaof("127.0.0.1", self.old.port)
            wait_until(lambda: new.info("replication")["master_link_status"] == "up")
            new.replicaof("NO", "ONE")

    def fail_over(self) -> None:
        """The old one lives on and takes no writes; the name leads to the new one."""
        with Redis(port=self.old.port) as old:
            old.replicaof("127.0.0.1", "1")
        self.named = self.new


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[Two]:
    made = Two()
    monkeypatch.setattr(socket, "getaddrinfo", made.look_up(socket.getaddrinfo))
    server_at.cache_clear()
    yield made
    server_at.cache_clear()
    for server in (made.old, made.new):
        server.remove()


def a_cache() -> Cache:
    """That of one process, as far as connections go."""
    pool = ConnectionPool.from_url(f"redis://{NAME}/0", **pool_options("redis://", timeout_seconds=0.5, most=20))
    redis, invalidations = Redis(connection_pool=pool), Invalidations()
    circuit = RedisCircuit(lambda: redis, before_return=invalidations.apply_kept)
    return Cache(circuit, invalidations=invalidations, chance=lambda: 0.0)


def test_a_process_goes_to_the_new_server_and_hits_again(two: Two) -> None:
    cache = a_cache()
    at_once(8, lambda: fill(cache, value="old"))
    two.fail_over()

    assert lease(cache, BENEFITS).status is LookupStatus.DOWN
    wait_until(lambda: not cache.circuit.is_down)
    assert fill(cache, value="new")
    assert [value(look(cache)) for _ in range(80)] == ["new"] * 80
    with Redis(port=two.new.port) as new:
        assert cache.circuit.run(lambda redis: redis.info("server")["run_id"]) == new.info("server")["run_id"]


def test_while_the_name_leads_to_a_replica_redis_is_down(two: Two) -> None:
    cache = a_cache()
    fill(cache)
    two.fail_over()
    two.named = two.old
    lease(cache, BENEFITS)

    with Redis(port=two.old.port) as old:
        met = int(old.info("stats")["total_connections_received"])
        wait_until(lambda: int(old.info("stats")["total_connections_received"]) >= met + 3)
    assert (cache.circuit.is_down, cache.circuit.state) == (True, "down for writes")
    two.named = two.new
    wait_until(lambda: not cache.circuit.is_down)
    assert cache.circuit.state == "up"


def test_what_the_new_server_missed_an_invalidation_of_is_not_shown(two: Two) -> None:
    cache = a_cache()
    fill(cache, value="old")
    two.replicate()
    cache.invalidations.invalidate(cache.circuit, ["member:m-1"])
    two.fail_over()

    lease(cache, BENEFITS)
    wait_until(lambda: not cache.circuit.is_down)
    assert (look(cache).status, look(cache).entry) == (LookupStatus.MISS, None)


def test_the_same_where_nothing_failed_and_the_name_was_changed_alone(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = a_cache()
    fill(cache, value="old")
    two.replicate()
    cache.invalidations.invalidate(cache.circuit, ["member:m-1"])
    two.named = two.new
    monkeypatch.setattr(connection, "MAX_AGE_SECONDS", -1.0)

    assert (look(cache).status, look(cache).entry) == (LookupStatus.MISS, None)
    assert not cache.circuit.is_down


def test_connections_that_lead_to_the_other_server_are_not_used_beside_one_that_does_not(two: Two) -> None:
    cache = a_cache()
    at_once(4, lambda: fill(cache, value="old"))
    pool = cache.circuit.run(lambda redis: redis.connection_pool)
    two.named = two.new
    script_pool_of(pool)._make(**pool.connection_kwargs).connect()

    assert look(cache).entry is None
    assert fill(cache, value="new")
    assert value(look(cache)) == "new"
    with Redis(port=two.new.port) as new:
        assert new.keys("*:e:*")


def test_a_lease_that_the_new_server_does_not_know_is_waited_for(
    two: Two, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was taken after the last that the new one heard of the old one, and whoever holds it hears nothing more."""

    def member() -> Cluster:
        circuit, prefix = a_cache().circuit, settings.CACHE_KEY_PREFIX
        listen = partial(Redis, host=NAME, socket_timeout=0.5)
        return Cluster(circuit, listen, prefix=prefix, lease_seconds=1.0, near_bytes=1_000_000)

    teller, holder = member(), member()
    teller.tell_only(ENTRIES)
    with Redis(port=two.old.port) as old:
        old.hset(f"{settings.CACHE_KEY_PREFIX}:cluster:state", "since", 1)
    two.replicate()
    holder.start()
    wait_until(lambda: holder.lease.is_valid)
    assert holder.near.put("a", "old", tags=["t"], size_bytes=1, seconds=60.0, asked_at=time.monotonic())
    monkeypatch.setattr(holder, "_renew_lease", lambda: None)
    two.named = two.new
    monkeypatch.setattr(connection, "MAX_AGE_SECONDS", -1.0)

    assert teller.tell_and_wait(ENTRIES, ("t",))
    assert holder.near.get("a") is None
    holder.stop()


def test_a_process_that_starts_behind_the_failover_shows_nothing_older_either(two: Two) -> None:
    cache = a_cache()
    fill(cache, value="old")
    two.replicate()
    cache.invalidations.invalidate(cache.circuit, ["member:m-1"])
    two.fail_over()
    server_at.cache_clear()

    assert look(a_cache()).entry is None


def test_a_process_that_starts_with_the_same_server_voids_nothing(two: Two) -> None:
    fill(a_cache(), CLAIMS, "kept")
    server_at.cache_clear()

    assert value(look(a_cache())) == "kept"


def test_a_server_that_was_restarted_counts_as_another(two: Two) -> None:
    """It reads back what it saved before the last invalidation."""
    cache = a_cache()
    fill(cache, value="old")
    with Redis(port=two.old.port) as old:
        old.save()
    cache.invalidations.invalidate(cache.circuit, ["member:m-1"])
    two.old.kill()
    lease(cache, BENEFITS)
    two.old.start()
    wait_until(lambda: not cache.circuit.is_down)

    with Redis(port=two.old.port) as old:
        assert old.keys("*:e:*")
    assert look(cache).entry is None
