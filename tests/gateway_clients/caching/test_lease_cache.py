"""Reading, filling under a lease, and what the two cost."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings
from redis import Redis

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.lookups import ABSENT, CacheLookup, LookupResult, LookupStatus
from gateway_clients.caching.redis_keys import entry_name, lease_name, version_hash_name
from gateway_clients.caching.store import Cache
from gateway_clients.conf import DataClass
from gateway_clients.redis_access.circuit import RedisCircuit, default_connection
from tests.gateway_clients.caching.steps import BENEFITS, CLAIMS, OTHERS_CLAIMS, SUMMARY, entry, fill, lease, look
from tests.gateway_clients.caching.steps import value_of as value
from tests.support.waiting import wait_until


def test_a_miss_gives_the_lease_and_what_is_stored_under_it_is_read_fresh(cache: Cache) -> None:
    reading = lease(cache)
    assert (reading.status, reading.entry) == (LookupStatus.LEASED, None)
    assert cache.store([cache.write_for(reading, entry({"id": "clm-1"}))]) == [True]

    again = lease(cache)
    assert (again.status, value(again), again.token) == (LookupStatus.HIT, {"id": "clm-1"}, "")
    assert again.age_seconds < 5
    assert 55 < again.fresh_seconds <= 60


def test_a_look_without_a_lease_leaves_the_key_free(cache: Cache) -> None:
    assert look(cache).status is LookupStatus.MISS
    assert lease(cache).status is LookupStatus.LEASED


def test_the_second_reader_is_held_until_the_first_stores(cache: Cache) -> None:
    first = lease(cache)
    assert lease(cache).status is LookupStatus.BUSY
    assert lease(cache, OTHERS_CLAIMS).status is LookupStatus.LEASED
    cache.store([cache.write_for(first, entry("v1"))])
    assert value(lease(cache)) == "v1"


def test_a_lease_given_back_goes_to_the_next_reader(cache: Cache) -> None:
    first = lease(cache)
    cache.release([first])
    second = lease(cache)
    assert second.status is LookupStatus.LEASED
    cache.release([first])
    assert lease(cache).status is LookupStatus.BUSY


def test_a_lease_ends_by_itself_and_its_late_fill_is_not_stored(cache: Cache) -> None:
    late = lease(cache, lease_seconds=0.05)
    reading = wait_until(lambda: found if (found := lease(cache)).status is LookupStatus.LEASED else None)
    assert cache.store([cache.write_for(late, entry("late"))]) == [False]
    assert cache.store([cache.write_for(reading, entry("new"))]) == [True]
    assert value(look(cache)) == "new"


def test_a_lease_that_is_held_for_long_goes_to_one_of_those_who_wait(cache: Cache) -> None:
    slow = lease(cache, lease_seconds=60)
    patient = CacheLookup(key=CLAIMS, lease_seconds=60, overdue_seconds=0.5)

    def taken_over() -> LookupResult | None:
        (reading,) = cache.read([patient])
        return reading if reading.status is LookupStatus.LEASED else None

    assert [reading.status for reading in cache.read([patient])] == [LookupStatus.BUSY]
    new = wait_until(taken_over)

    assert [reading.status for reading in cache.read([patient])] == [LookupStatus.BUSY]
    assert lease(cache).status is LookupStatus.BUSY
    assert cache.store([cache.write_for(slow, entry("slow"))]) == [False]
    cache.release([slow])
    assert cache.store([cache.write_for(new, entry("new"))]) == [True]
    assert value(look(cache)) == "new"


def test_what_was_stored_before_redis_set_its_clock_back_is_a_miss(cache: Cache, redis: Redis) -> None:
    """By the clock it would be fresh for as long as that was ahead, and so would a lease whose holder died be held."""
    ahead_ms = int((time.time() + 3_600) * 1_000)
    held = lease(cache, BENEFITS, lease_seconds=60)
    fill(cache, value="old")
    raw: Any = redis.get(entry_name(CLAIMS))
    redis.set(entry_name(CLAIMS), b"%d,%d,%b" % (ahead_ms, ahead_ms + 60_000, raw.split(b",", 2)[2]))
    redis.set(lease_name(BENEFITS), f"{held.token.partition(chr(10))[0]}\n{ahead_ms}\n".encode() + held.stamp)
    patient = CacheLookup(key=BENEFITS, lease_seconds=60, overdue_seconds=0.5)

    assert (look(cache).status, look(cache).entry) == (LookupStatus.MISS, None)
    assert [result.status for result in cache.read([patient])] == [LookupStatus.LEASED]


def test_the_shortest_lease_is_a_millisecond_not_an_error(cache: Cache) -> None:
    assert lease(cache, lease_seconds=0.0001).status is LookupStatus.LEASED
    assert not cache.circuit.is_down


def test_many_looks_and_many_stores_cost_one_round_trip_each(cache: Cache, round_trips: Callable[[], int]) -> None:
    fill(cache, SUMMARY)
    keys = [CLAIMS, BENEFITS, OTHERS_CLAIMS, SUMMARY]
    round_trips()
    readings = cache.read([CacheLookup(key=key, lease_seconds=5) for key in keys])
    assert round_trips() == 1
    assert [reading.status for reading in readings] == [
        LookupStatus.LEASED,
        LookupStatus.LEASED,
        LookupStatus.LEASED,
        LookupStatus.HIT,
    ]

    assert cache.store([cache.write_for(reading, entry(str(reading.key))) for reading in readings[:3]]) == [True] * 3
    assert round_trips() == 1
    assert [value(reading) for reading in cache.read([CacheLookup(key=key) for key in keys])] == [
        "claims:member:m-1:list",
        "benefits:member:m-1:all",
        "claims:member:m-2:list",
        "v1",
    ]
    assert round_trips() == 1
    cache.release(readings)
    assert round_trips() == 1
    cache.release([reading for reading in readings if not reading.token])
    assert round_trips() == 0


def test_one_who_looks_twice_at_once_holds_one_lease(cache: Cache) -> None:
    first, second = cache.read([CacheLookup(key=CLAIMS, lease_seconds=5)] * 2)
    assert (first.status, second.status) == (LookupStatus.LEASED, LookupStatus.BUSY)
    assert cache.store([cache.write_for(first, entry("v1"))]) == [True]


def test_versions_that_are_no_hash_are_made_anew(cache: Cache, redis: Redis) -> None:
    fill(cache)
    redis.delete(version_hash_name("member:m-1"))
    redis.set(version_hash_name("member:m-1"), b"\xff\n")
    reading = lease(cache)
    assert (reading.status, reading.entry) == (LookupStatus.LEASED, None)
    assert cache.store([cache.write_for(reading, entry("v2"))]) == [True]


def test_hundreds_of_looks_at_once_each_find_their_own(cache: Cache) -> None:
    keys = [CacheKey(DataClass.CLAIMS, "list", Subject.member(f"m-{number}")) for number in range(400)]
    readings = cache.read([CacheLookup(key=key, lease_seconds=5) for key in keys])
    assert {reading.status for reading in readings} == {LookupStatus.LEASED}
    assert cache.store([cache.write_for(reading, entry(str(reading.key))) for reading in readings]) == [True] * 400
    cache.invalidations.invalidate(cache.circuit, ["member:m-299", "member:m-399:claims"])
    found = {str(reading.key): value(reading) for reading in cache.read([CacheLookup(key=key) for key in keys])}
    gone = {"claims:member:m-299:list", "claims:member:m-399:list"}
    assert found == {str(key): None if str(key) in gone else str(key) for key in keys}


def test_scripts_that_redis_forgot_are_loaded_again(cache: Cache, redis: Redis) -> None:
    fill(cache)
    redis.script_flush()
    assert value(look(cache)) == "v1"


def test_a_fresh_whole_view_ends_the_reading_before_its_sections(cache: Cache) -> None:
    view = CacheKey(DataClass.DASHBOARD, "whole", Subject.member("m-1"))
    looks = [CacheLookup(key=view, ends_lookups=True), CacheLookup(key=CLAIMS, lease_seconds=5)]
    assert [reading.status for reading in cache.read(looks)] == [LookupStatus.MISS, LookupStatus.LEASED]
    cache.release(cache.read([looks[1]]))
    cache.store([cache.write_for(look(cache, view), entry("view"))])
    assert [reading.key for reading in cache.read(looks)] == [view]


def test_a_reader_who_wants_it_newer_gets_the_lease_though_the_entry_is_fresh(cache: Cache) -> None:
    fill(cache, value="v1")
    reading = look(cache, lease_seconds=5, newer_than_ms=-1)
    assert (reading.status, value(reading)) == (LookupStatus.LEASED, "v1")
    assert look(cache, lease_seconds=5, newer_than_ms=reading.at_ms + 1).status is LookupStatus.BUSY
    wait_until(lambda: look(cache).at_ms > reading.at_ms)
    cache.store([cache.write_for(reading, entry("v2"))])
    assert value(look(cache, lease_seconds=5, newer_than_ms=reading.at_ms + 1)) == "v2"


def test_an_expired_entry_is_handed_out_as_the_last_good_one_while_its_class_allows(
    cache: Cache, settings: Settings, redis: Redis
) -> None:
    settings.CACHE_TTL_SECONDS_CLAIMS = 0.05
    settings.CACHE_STALE_SECONDS_CLAIMS = 0.3
    fill(cache, value="old")
    first = wait_until(lambda: found if (found := lease(cache)).status is not LookupStatus.HIT else None)
    assert (first.status, value(first), first.fresh_seconds) == (LookupStatus.LEASED, "old", 0.0)
    assert first.age_seconds >= 0.05
    held = lease(cache)
    assert (held.status, value(held)) == (LookupStatus.BUSY, "old")
    wait_until(lambda: not redis.exists(entry_name(CLAIMS)))
    assert look(cache).entry is None


#: Seconds that an entry is fresh, and that it is kept; those of the other classes are the usual ones.
LIVES = {
    DataClass.DASHBOARD: (300, 300),
    DataClass.CLAIMS: (60, 3_660),
    DataClass.PAYMENTS: (60, 3_660),
    DataClass.NOTIFICATIONS: (60, 3_660),
}
USUAL_LIFE = (300, 86_700)


@pytest.mark.parametrize("data_class", DataClass)
def test_each_data_class_has_its_life(cache: Cache, redis: Redis, data_class: DataClass) -> None:
    fresh_seconds, kept_seconds = LIVES.get(data_class, USUAL_LIFE)
    key = CacheKey(data_class, "any", Subject.member("m-1"))
    fill(cache, key)
    assert fresh_seconds - 5 < look(cache, key).fresh_seconds <= fresh_seconds
    assert kept_seconds - 5 < redis.pttl(entry_name(key)) / 1000 <= kept_seconds


def test_that_there_is_nothing_is_known_for_half_a_minute_at_most(cache: Cache, redis: Redis) -> None:
    cache.store([cache.write_for(lease(cache, BENEFITS), ABSENT)])
    reading = look(cache, BENEFITS)
    assert reading.entry is not None
    assert (reading.status, reading.entry.is_absent) == (LookupStatus.HIT, True)
    assert 25 < reading.fresh_seconds <= 30
    assert 25 < redis.pttl(entry_name(BENEFITS)) / 1000 <= 30


def test_chance_takes_a_tenth_off_a_life_at_most() -> None:
    reading = LookupResult(key=CLAIMS, status=LookupStatus.LEASED)
    lives = [
        Cache(RedisCircuit(default_connection), chance=lambda c=chance: c).write_for(reading, entry(1))
        for chance in (0.0, 0.5, 1.0)
    ]
    assert [life.fresh_seconds for life in lives] == [60.0, 57.0, 54.0]
    assert [life.kept_seconds for life in lives] == [3660.0, 3657.0, 3654.0]


def test_a_fill_without_a_lease_is_stored_only_while_nothing_was_invalidated(cache: Cache, redis: Redis) -> None:
    seen = look(cache)
    assert cache.store([cache.write_for(seen, entry("v1"))]) == [True]
    assert not redis.exists(lease_name(CLAIMS))


def _share_of_early_refreshes(fill_seconds: float, left_seconds: float, key: CacheKey = SUMMARY) -> float:
    chances = [number / 1000 for number in range(1000)]
    reading = LookupResult(
        key=key,
        status=LookupStatus.HIT,
        entry=entry(1, fill_seconds=fill_seconds),
        at_ms=1_000_000,
        fresh_until_ms=1_000_000 + int(left_seconds * 1000),
    )
    return (
        sum(
            Cache(RedisCircuit(default_connection), chance=lambda c=chance: c).is_refresh_due(reading)
            for chance in chances
        )
        / 1000
    )


def test_an_early_refresh_is_the_likelier_the_nearer_the_end_and_the_slower_the_fill() -> None:
    assert _share_of_early_refreshes(0.1, 60) == 0.0
    assert _share_of_early_refreshes(1, 3) == pytest.approx(2.718281828**-3, abs=0.002)
    assert _share_of_early_refreshes(1, 1) == pytest.approx(2.718281828**-1, abs=0.002)
    assert _share_of_early_refreshes(3, 1) == pytest.approx(2.718281828 ** (-1 / 3), abs=0.002)
    assert _share_of_early_refreshes(1, 0) == 1.0


def test_what_everybody_reads_is_refreshed_early_also_when_it_has_a_subject_and_personal_data_never() -> None:
    provider = CacheKey(DataClass.PROVIDER, "detail", Subject.provider("prov-1"))
    for_one = CacheKey(DataClass.SUMMARY, "own", reader=Subject.provider("prov-1"))
    assert _share_of_early_refreshes(3, 1, provider) > 0.7
    assert _share_of_early_refreshes(3, 1, CLAIMS) == 0.0
    assert _share_of_early_refreshes(3, 1, for_one) == 0.0


def test_times_are_those_of_redis(cache: Cache, redis: Redis) -> None:
    before_ms = int(redis.time()[0]) * 1000
    assert before_ms <= look(cache).at_ms <= before_ms + 60_000
    assert abs(look(cache).at_ms / 1000 - time.time()) < 60
