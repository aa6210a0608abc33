"""Lookups that a process answers from its own memory, and counts that it holds back for a moment."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from gateway_clients.caching import counters
from gateway_clients.caching.counters import COUNT, Count, HeldCounts
from gateway_clients.caching.invalidation import Invalidations
from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.lookups import CacheLookup, LookupStatus
from gateway_clients.caching.round_trip import RedisRoundTrip
from gateway_clients.caching.store import Cache
from gateway_clients.cluster.membership import Cluster
from gateway_clients.conf import DataClass
from gateway_clients.redis_access.circuit import RedisCircuit, default_connection
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until

KEY = CacheKey(DataClass.CLAIMS, "near-list", Subject.member("m-1"))
OTHER = CacheKey(DataClass.CLAIMS, "near-other", Subject.member("m-1"))


class WatchedCircuit(RedisCircuit):
    """Counts the round trips."""

    trips = 0

    def scripts(self, calls: Any) -> list[Any]:
        self.trips += 1
        return super().scripts(calls)


@pytest.fixture
def circuit() -> WatchedCircuit:
    return WatchedCircuit(default_connection)


@pytest.fixture
def cluster(circuit: RedisCircuit) -> Iterator[Cluster]:
    """A process that holds a lease for as long as the test takes."""
    made = Cluster(circuit, default_connection, prefix="near", lease_seconds=0.0, near_bytes=1_000_000)
    made.lease.renewed("e", 0, float("inf"))
    yield made
    made.lease.begin()


@pytest.fixture
def cache(circuit: RedisCircuit, cluster: Cluster) -> Cache:
    made = Cache(circuit, invalidations=Invalidations(cluster), cluster=cluster)
    assert made.set(KEY, "one")
    return made


def value(cache: Cache) -> str | None:
    return cache.get(KEY, str)


def test_what_redis_found_fresh_is_found_here_the_next_time(cache: Cache, circuit: WatchedCircuit) -> None:
    (first,) = cache.read([CacheLookup(key=KEY)])
    trips = circuit.trips
    (second,) = cache.read([CacheLookup(key=KEY)])

    assert (first.status, first.is_near, second.status, second.is_near) == (
        LookupStatus.HIT, False, LookupStatus.HIT, True,
    )  # fmt: skip
    assert (second.entry, second.stored_ms, circuit.trips) == (first.entry, first.stored_ms, trips)
    assert second.age_seconds >= first.age_seconds
    # What was put together of it is stored under no later state of Redis than it was read in.
    assert second.asked_at == first.asked_at


@pytest.mark.parametrize("newer_than_ms", [-1, 5], ids=["nothing kept will do", "newer"])
def test_who_wants_it_newer_asks_redis(cache: Cache, circuit: WatchedCircuit, newer_than_ms: int) -> None:
    value(cache)
    trips = circuit.trips
    cache.read([CacheLookup(key=KEY, newer_than_ms=newer_than_ms)])

    assert circuit.trips == trips + 1


def test_redis_is_asked_for_all_where_one_is_not_here(cache: Cache, circuit: WatchedCircuit) -> None:
    value(cache)
    trips = circuit.trips
    results = cache.read([CacheLookup(key=OTHER), CacheLookup(key=KEY)])
    ending = cache.read([CacheLookup(key=KEY, ends_lookups=True), CacheLookup(key=OTHER)])

    assert [result.status for result in results] == [LookupStatus.MISS, LookupStatus.HIT]
    assert ([result.is_near for result in ending], circuit.trips) == ([True], trips + 1)


@pytest.mark.parametrize("tag", ["member:m-1", "member:m-1:claims"])
def test_an_invalidation_leaves_nothing_here(cache: Cache, tag: str) -> None:
    assert value(cache) == "one"
    cache.invalidations.invalidate(cache.circuit, [tag])

    assert value(cache) is None


def test_what_redis_still_had_when_it_failed_to_take_an_invalidation_is_not_shown(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_redis: Redis, _tags: frozenset[str]) -> None:
        assert value(cache) == "one"
        raise RedisConnectionError

    monkeypatch.setattr(cache.invalidations, "write_versions", fails)

    assert not cache.invalidations.invalidate(cache.circuit, ["member:m-1"])
    assert value(cache) is None


def test_a_dropped_key_and_one_that_is_set_anew_are_not_shown(cache: Cache) -> None:
    assert value(cache) == "one"
    cache.set(KEY, "two")
    anew = value(cache)
    cache.delete(KEY)

    assert (anew, value(cache)) == ("two", None)


def test_a_life_that_is_shortened_is_shortened_here_too(cache: Cache) -> None:
    assert value(cache) == "one"
    assert cache.expire(KEY, 0.05)

    wait_until(lambda: value(cache) is None)


def test_without_a_lease_redis_is_asked(cache: Cache, cluster: Cluster, circuit: WatchedCircuit) -> None:
    value(cache)
    cluster.lease.begin()
    trips = circuit.trips

    assert value(cache) == "one"
    assert circuit.trips == trips + 1


def counted(held: HeldCounts, key: str, *, limit: int = 100) -> Count:
    """A count that went to Redis, unless it was held back."""
    count = Count(key, life_seconds=60.0, limit=limit)
    if not held.hold(count):
        held.join(count)
        count.value = int(default_connection().eval(COUNT.source, 1, key, count.by, 60_000))  # type: ignore[arg-type]
        held.learn(count)
    return count


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The key of a counter of which Redis is told when a test says so, not when its time has come."""
    monkeypatch.setattr(counters, "TELL_SECONDS", 3600.0)
    yield "near-count"
    default_connection().delete("near-count")


def in_redis(key: str) -> int:
    found: Any = default_connection().get(key)
    return int(found)


def test_counts_are_held_back_under_their_share_of_the_limit(key: str, circuit: WatchedCircuit) -> None:
    held = HeldCounts(circuit, processes=lambda: 2)
    seen = [(counted(held, key).value, in_redis(key)) for _ in range(28)]

    assert [value for value, _ in seen] == list(range(1, 29))
    assert [told for _, told in seen] == [1] * 25 + [26] * 3


def test_near_the_limit_every_count_goes_to_redis(key: str, circuit: WatchedCircuit) -> None:
    held = HeldCounts(circuit, processes=lambda: 4)
    default_connection().incrby(key, 95)
    seen = [(count.value, count.is_exceeded, in_redis(key)) for count in (counted(held, key) for _ in range(6))]

    assert [value for value, _, _ in seen] == [96, 97, 98, 99, 100, 101]
    assert [is_exceeded for _, is_exceeded, _ in seen] == [False] * 5 + [True]
    assert in_redis(key) == 101


def test_what_was_held_back_is_told_together(key: str, circuit: WatchedCircuit) -> None:
    held = HeldCounts(circuit, processes=lambda: 1)
    for _ in range(10):
        counted(held, key)
    held.tell()
    trips = circuit.trips
    held.tell()

    assert (in_redis(key), circuit.trips) == (10, trips)


def test_where_there_are_too_many_counters_none_is_forgotten_of_which_redis_lacks_counts(
    key: str, circuit: WatchedCircuit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "MAX_LOCAL_KEYS", 3)
    held = HeldCounts(circuit, processes=lambda: 1, clock=FakeClock())
    for _ in range(5):
        counted(held, key)
    for number in range(10):
        held.learn(known(f"another-{number}"))
    assert not held.hold(Count("another-0", life_seconds=60.0, limit=100))
    held.tell()

    assert in_redis(key) == 5


def test_room_is_made_by_counters_whose_time_is_over(circuit: WatchedCircuit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "MAX_LOCAL_KEYS", 2)
    clock = FakeClock()
    held = HeldCounts(circuit, processes=lambda: 1, clock=clock)
    held.learn(known("old"))
    clock.advance(59.0)
    held.learn(known("young"))
    clock.advance(2.0)
    held.learn(known("new"))

    assert [held.hold(Count(name, life_seconds=60.0, limit=100)) for name in ("young", "new")] == [True, True]


def known(key: str) -> Count:
    """A count that Redis has answered."""
    count = Count(key, life_seconds=60.0, limit=100)
    count.value = 1
    return count


def no_thread(_: threading.Thread) -> None:
    """Does what Python does where the process may have no more threads."""
    raise RuntimeError("can't start new thread")


def test_a_thread_that_could_not_start_is_started_by_the_next_count(
    key: str, circuit: WatchedCircuit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "TELL_SECONDS", 0.01)
    held = HeldCounts(circuit, processes=lambda: 1)
    counted(held, key)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        for _ in range(2):
            counted(held, key)
    counted(held, key)

    wait_until(lambda: in_redis(key) == 4)


def test_what_is_taken_back_before_redis_was_told_never_goes_there(
    key: str, cache: Cache, circuit: WatchedCircuit
) -> None:
    cache._held_counts = held = HeldCounts(circuit, processes=lambda: 1)
    counts = [counted(held, key) for _ in range(3)]
    trips = circuit.trips

    assert [(cache.take_back(count), count.value) for count in reversed(counts)] == [(True, 2), (True, 1), (False, 1)]
    held.tell()
    assert (in_redis(key), circuit.trips) == (1, trips)


def test_what_redis_could_not_be_told_is_told_later(
    key: str, circuit: WatchedCircuit, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HeldCounts(circuit, processes=lambda: 1)
    for _ in range(5):
        counted(held, key)
    with monkeypatch.context() as patch:
        patch.setattr(circuit, "_is_down", True)
        held.tell()
    assert in_redis(key) == 1
    held.tell()

    assert in_redis(key) == 5


def test_a_counter_of_another_window_is_asked_for(key: str, circuit: WatchedCircuit) -> None:
    clock = FakeClock()
    held = HeldCounts(circuit, processes=lambda: 1, clock=clock)
    counted(held, key)
    clock.advance(61.0)

    assert held.hold(Count(key, life_seconds=60.0, limit=100)) is False


def test_a_count_rides_with_lookups_that_are_not_here_and_is_held_back_with_those_that_are(
    key: str, cache: Cache, circuit: WatchedCircuit
) -> None:
    cache._held_counts = HeldCounts(circuit, processes=lambda: 1)
    values, trips = [], []
    for _ in range(3):
        trip = RedisRoundTrip(count=Count(key, life_seconds=60.0, limit=100), lookups=[CacheLookup(key=KEY)])
        cache.send(trip)
        assert trip.count is not None
        values.append((trip.count.value, trip.results[0].is_near))
        trips.append(circuit.trips)

    assert values == [(1, False), (2, True), (3, True)]
    assert trips[0] == trips[2]
