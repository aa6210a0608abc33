"""get, set, delete, get_or_set, invalidate_pattern, expire."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from pytest_django import Settings
from redis import Redis

from gateway_clients.caching.redis_keys import entry_name
from gateway_clients.caching.store import Cache
from gateway_clients.redis_access.circuit import RedisCircuit, default_connection
from tests.gateway_clients.caching.steps import BENEFITS, CLAIMS, OTHERS_CLAIMS, fill, lease, look
from tests.support.waiting import wait_until


class Total(msgspec.Struct, frozen=True):
    claims: int


def never() -> Total:
    raise AssertionError("made again")


def test_what_was_set_is_got_as_its_type(cache: Cache) -> None:
    assert cache.get(CLAIMS, Total) is None
    assert cache.set(CLAIMS, Total(3))
    assert cache.get(CLAIMS, Total) == Total(3)
    assert cache.get(OTHERS_CLAIMS, Total) is None


def test_a_value_of_another_type_is_a_miss_and_deleted(cache: Cache, redis: Redis) -> None:
    cache.set(CLAIMS, ["not", "a", "total"])
    assert cache.get(CLAIMS, Total) is None
    assert not redis.exists(entry_name(CLAIMS))


def test_a_value_lives_as_long_as_its_class_says_or_shorter(cache: Cache, redis: Redis) -> None:
    cache.set(CLAIMS, Total(3), fresh_seconds=20)
    assert 15 < look(cache).fresh_seconds <= 20
    assert 15 < redis.pttl(entry_name(CLAIMS)) / 1000 <= 20
    cache.set(CLAIMS, Total(3), fresh_seconds=100_000)
    assert 55 < look(cache).fresh_seconds <= 60


def test_an_expired_value_is_not_got(cache: Cache, settings: Settings) -> None:
    cache.set(CLAIMS, Total(3), fresh_seconds=0.05)
    wait_until(lambda: cache.get(CLAIMS, Total) is None)


def test_a_deleted_value_is_gone(cache: Cache) -> None:
    cache.set(CLAIMS, Total(3))
    assert cache.delete(CLAIMS)
    assert cache.get(CLAIMS, Total) is None


def test_get_or_set_makes_once_and_then_gets(cache: Cache) -> None:
    assert cache.get_or_set(CLAIMS, Total, lambda: Total(3), make_seconds=1) == Total(3)
    assert cache.get_or_set(CLAIMS, Total, never, make_seconds=1) == Total(3)


def test_get_or_set_gets_what_is_nothing_too(cache: Cache) -> None:
    assert cache.get_or_set(CLAIMS, Any, lambda: None, make_seconds=0.2) is None
    assert cache.get_or_set(CLAIMS, Any, never, make_seconds=0.2) is None
    assert cache.get_many([CLAIMS, BENEFITS], Any) == {CLAIMS: None}


def test_what_is_set_for_no_time_leaves_nothing_older(cache: Cache) -> None:
    for seconds in (0, -1, 0.0001):
        # In the millisecond of a deletion nothing is stored.
        wait_until(lambda: cache.set(CLAIMS, Total(1)))
        assert cache.set(CLAIMS, Total(2), fresh_seconds=seconds)
        assert cache.get(CLAIMS, Total) is None


def test_get_or_set_makes_anew_what_it_cannot_read(cache: Cache) -> None:
    cache.set(CLAIMS, "old format")
    assert cache.get_or_set(CLAIMS, Total, lambda: Total(4), make_seconds=1) == Total(4)
    assert cache.get(CLAIMS, Total) == Total(4)


def test_bytes_that_are_no_text_are_a_miss(cache: Cache) -> None:
    cache.set(CLAIMS, msgspec.Raw(b"\xa1\xff"))

    assert cache.get(CLAIMS, str) is None


def test_get_or_set_hands_on_the_failure_and_gives_the_lease_back(cache: Cache) -> None:
    def fail() -> Total:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        cache.get_or_set(CLAIMS, Total, fail, make_seconds=5)
    assert cache.get_or_set(CLAIMS, Total, lambda: Total(1), make_seconds=5) == Total(1)


@pytest.mark.alone
def test_twenty_callers_of_get_or_set_make_the_value_once(redis: Redis) -> None:
    made: list[int] = []
    all_ask = threading.Barrier(20)

    def make() -> Total:
        made.append(1)
        threading.Event().wait(0.1)
        return Total(7)

    def ask(_: int) -> Total:
        cache = Cache(RedisCircuit(default_connection))
        all_ask.wait(5)
        return cache.get_or_set(CLAIMS, Total, make, make_seconds=5)

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(ask, range(20))) == [Total(7)] * 20
    assert len(made) == 1


def test_who_has_waited_long_enough_makes_it_for_itself(cache: Cache) -> None:
    lease(cache)
    assert cache.get_or_set(CLAIMS, Total, lambda: Total(5), make_seconds=0.05) == Total(5)
    assert cache.get(CLAIMS, Total) is None


def test_a_value_whose_subject_changed_while_it_was_made_is_not_kept(cache: Cache) -> None:
    def make() -> Total:
        cache.invalidations.invalidate(cache.circuit, ["member:m-1"])
        return Total(1)

    assert cache.get_or_set(CLAIMS, Total, make, make_seconds=5) == Total(1)
    assert cache.get(CLAIMS, Total) is None


def test_a_pattern_drops_what_matches(cache: Cache) -> None:
    for key in (CLAIMS, OTHERS_CLAIMS, BENEFITS):
        cache.set(key, Total(1))
    assert cache.invalidate_pattern("claims:member:m-?:*") == 2
    assert (cache.get(CLAIMS, Total), cache.get(BENEFITS, Total)) == (None, Total(1))


def test_expire_shortens_a_life_and_never_prolongs_it(cache: Cache, redis: Redis) -> None:
    assert not cache.expire(CLAIMS, 10)
    fill(cache)
    assert cache.expire(CLAIMS, 100_000)
    assert redis.pttl(entry_name(CLAIMS)) <= 3_660_000
    assert cache.expire(CLAIMS, 10)
    assert redis.pttl(entry_name(CLAIMS)) <= 10_000
    redis.persist(entry_name(CLAIMS))
    assert cache.expire(CLAIMS, 10)
    assert 0 < redis.pttl(entry_name(CLAIMS)) <= 10_000
    cache.expire(CLAIMS, 0)
    assert not redis.exists(entry_name(CLAIMS))
