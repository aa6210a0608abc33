"""What processes that share a Redis tell each other, and how long a teller waits."""

import time
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from gateway_clients.cluster.channel import ENTRIES
from gateway_clients.cluster.membership import Cluster
from gateway_clients.redis_access.circuit import RedisCircuit
from tests.support.calls import Running
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

LEASE_SECONDS = 1.0
Join = Callable[..., Cluster]


@pytest.fixture
def join(redis_server: RedisServer) -> Iterator[Join]:
    """Joins another process's part; it listens unless told not to."""
    joined: list[Cluster] = []

    def begin(*, starts: bool = True) -> Cluster:
        def connect() -> Redis:
            return Redis.from_url(redis_server.url, socket_timeout=0.2)

        cluster = Cluster(RedisCircuit(connect), connect, prefix="t", lease_seconds=LEASE_SECONDS, near_bytes=1_000_000)
        joined.append(cluster)
        if starts:
            cluster.start()
            wait_until(lambda: cluster.lease.is_valid)
        return cluster

    yield begin
    for cluster in joined:
        cluster.stop()


def keep(cluster: Cluster, name: str = "a") -> None:
    assert cluster.near.put(name, "old", tags=["member:m-1"], size_bytes=10, seconds=60.0, asked_at=time.monotonic())


def aged(redis_server: RedisServer) -> None:
    """Makes the channel old enough that nobody has a lease of before it."""
    Redis.from_url(redis_server.url).hset("t:cluster:state", "since", 1)


def test_when_a_teller_goes_on_nobody_has_what_it_told_to_forget(redis_server: RedisServer, join: Join) -> None:
    first, second, third = join(), join(), join()
    aged(redis_server)
    for each in (first, second, third):
        keep(each)
    began_at = time.monotonic()

    assert first.tell_and_wait(ENTRIES, ("member:m-1",))

    assert [each.near.get("a") for each in (first, second, third)] == [None, None, None]
    assert time.monotonic() - began_at < LEASE_SECONDS / 2


def test_one_who_does_not_listen_tells_too(redis_server: RedisServer, join: Join) -> None:
    teller, other = join(starts=False), join()
    aged(redis_server)
    keep(other)

    assert teller.tell_and_wait(ENTRIES, ("member:m-1",))
    assert other.near.get("a") is None


def test_a_teller_waits_for_the_lease_of_one_who_hears_nothing_and_no_longer(
    redis_server: RedisServer, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, deaf = join(), join()
    aged(redis_server)
    keep(deaf)
    monkeypatch.setattr(deaf, "_take", lambda _: True)
    monkeypatch.setattr(deaf, "_renew_lease", lambda: None)
    telling = Running(lambda: first.tell_and_wait(ENTRIES, ("member:m-1",)))
    seen_at = 0.0
    while not telling.is_over:
        if deaf.near.get("a") is not None:
            seen_at = time.monotonic()

    assert telling.result
    assert deaf.near.get("a") is None
    assert seen_at > 0.0
    assert telling.seconds < 2 * LEASE_SECONDS


def test_one_whose_messages_do_not_come_loses_its_lease_and_begins_anew(
    redis_server: RedisServer, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, deaf = join(), join()
    aged(redis_server)
    keep(deaf)
    with monkeypatch.context() as patch:
        patch.setattr(deaf, "_take", lambda _: True)
        assert first.tell_and_wait(ENTRIES, ("member:m-1",))
        assert deaf.near.get("a") is None
    wait_until(lambda: deaf.lease.is_valid and deaf.lease.position == first.lease.position, seconds=10)

    keep(deaf)
    assert first.tell_and_wait(ENTRIES, ("member:m-1",))
    assert deaf.near.get("a") is None


def test_a_flushed_redis_leaves_no_lease_of_before_unheeded(redis_server: RedisServer, join: Join) -> None:
    first, second = join(), join()
    aged(redis_server)
    keep(second)
    Redis.from_url(redis_server.url).flushall()

    assert first.tell_and_wait(ENTRIES, ("member:m-1",))

    assert second.near.get("a") is None
    wait_until(lambda: first.lease.is_valid and second.lease.is_valid, seconds=10)
    assert first.lease.position[0] == second.lease.position[0]


def test_what_cannot_be_read_may_say_to_forget_anything(redis_server: RedisServer, join: Join) -> None:
    """Another version of the gateway may have told it."""
    cluster = join()
    keep(cluster)
    epoch, number = cluster.lease.position
    Redis.from_url(redis_server.url).publish("t:cluster:told", f"{epoch} {number + 1} other {{}}")

    wait_until(lambda: cluster.lease.position == (epoch, number + 1))
    assert cluster.near.get("a") is None


@pytest.mark.parametrize("name", ["leases", "state", "heard"])
def test_a_foreign_value_in_a_key_of_the_channel_is_dropped(redis_server: RedisServer, join: Join, name: str) -> None:
    first, second = join(), join()
    aged(redis_server)
    keep(second)
    Redis.from_url(redis_server.url).set(f"t:cluster:{name}", "foreign")

    assert first.tell_and_wait(ENTRIES, ("member:m-1",))
    assert second.near.get("a") is None
    wait_until(lambda: first.lease.is_valid and second.lease.is_valid, seconds=10)
    aged(redis_server)
    began_at = time.monotonic()
    assert first.tell_and_wait(ENTRIES, ("member:m-1",))
    assert time.monotonic() - began_at < LEASE_SECONDS / 2


def test_nobody_waits_longer_because_the_clock_of_redis_was_set_back(redis_server: RedisServer, join: Join) -> None:
    """Who died while it was ahead would else hold a lease for as long as that."""
    first, second = join(), join()
    keep(second)
    redis, ahead = Redis.from_url(redis_server.url), int((time.time() + 3_600) * 1_000)
    redis.hset("t:cluster:state", mapping={"since": ahead, "seen": ahead})
    redis.zadd("t:cluster:leases", {"dead": ahead})

    telling = Running(lambda: first.tell_and_wait(ENTRIES, ("member:m-1",))).wait()

    assert telling.result
    assert second.near.get("a") is None
    assert telling.seconds < 2 * LEASE_SECONDS
    wait_until(lambda: first.lease.is_valid and second.lease.is_valid, seconds=10)
    assert redis.zscore("t:cluster:leases", "dead") is None


def test_nothing_stays_of_one_who_died(redis_server: RedisServer, join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    first, dead = join(), join()
    assert first.tell_and_wait(ENTRIES)
    redis = Redis.from_url(redis_server.url)
    wait_until(lambda: redis.hexists("t:cluster:heard", dead.process))
    monkeypatch.setattr(dead, "_renew_lease", lambda: None)

    def is_forgotten() -> bool:
        redis.zadd("t:cluster:leases", {dead.process: 1}, xx=True)
        return not redis.hexists("t:cluster:heard", dead.process)

    wait_until(is_forgotten)


def test_without_redis_the_leases_end_and_whoever_tells_says_that_nobody_heard(
    redis_server: RedisServer, join: Join
) -> None:
    first, second = join(), join()
    keep(second)
    redis_server.kill()

    assert first.tell_and_wait(ENTRIES, ("member:m-1",)) is False
    wait_until(lambda: not (first.lease.is_valid or second.lease.is_valid), seconds=LEASE_SECONDS + 1)
    assert second.near.get("a") is None
    redis_server.start()
    wait_until(lambda: first.lease.is_valid and second.lease.is_valid, seconds=10)
    assert second.near.get("a") is None


def test_one_who_leaves_is_not_waited_for(redis_server: RedisServer, join: Join) -> None:
    first, second = join(), join()
    aged(redis_server)
    second.stop()
    began_at = time.monotonic()

    assert first.tell_and_wait(ENTRIES, ("member:m-1",))
    assert time.monotonic() - began_at < LEASE_SECONDS / 2


def test_what_is_no_message_is_passed_over(redis_server: RedisServer, join: Join) -> None:
    first, second = join(), join()
    aged(redis_server)
    keep(second)
    for text in (b"", b"nonsense", b"a b c d", b"x 1 y {", b"\xff 99 y []"):
        Redis.from_url(redis_server.url).publish("t:cluster:told", text)

    assert first.tell_and_wait(ENTRIES, ("member:m-1",))
    assert second.near.get("a") is None
