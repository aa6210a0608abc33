"""What changed is never seen again: entries, fills under way, lost versions, patterns."""

import pytest
from pytest_django import Settings
from redis import Redis

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.lookups import LookupStatus
from gateway_clients.caching.purge import purge_pattern
from gateway_clients.caching.redis_keys import entry_name, lease_name, version_hash_name
from gateway_clients.caching.store import Cache
from gateway_clients.conf import DataClass
from gateway_clients.redis_access.server_keys import generation_name
from tests.gateway_clients.caching.steps import BENEFITS, CLAIMS, OTHERS_CLAIMS, SUMMARY, entry, fill, lease, look
from tests.gateway_clients.caching.steps import value_of as value
from tests.support.waiting import wait_until

EVERYTHING = (CLAIMS, BENEFITS, OTHERS_CLAIMS, SUMMARY)


@pytest.fixture
def filled(cache: Cache) -> Cache:
    for key in EVERYTHING:
        fill(cache, key)
    return cache


def fresh(cache: Cache) -> list[str]:
    return [str(key) for key in EVERYTHING if look(cache, key).status is LookupStatus.HIT]


def test_a_subjects_tag_drops_all_about_it_and_nothing_else(filled: Cache) -> None:
    filled.invalidations.invalidate(filled.circuit, ["member:m-1"])
    assert fresh(filled) == ["claims:member:m-2:list", "summary:claims"]


def test_a_class_tag_drops_that_class_of_the_subject(filled: Cache) -> None:
    filled.invalidations.invalidate(filled.circuit, ["member:m-1:claims"])
    assert fresh(filled) == ["benefits:member:m-1:all", "claims:member:m-2:list", "summary:claims"]


def test_an_entry_without_a_subject_goes_with_the_tag_of_its_class(filled: Cache) -> None:
    filled.invalidations.invalidate(filled.circuit, ["summary"])
    assert fresh(filled) == ["claims:member:m-1:list", "benefits:member:m-1:all", "claims:member:m-2:list"]


def test_an_entry_goes_with_whatever_it_is_also_about_and_with_its_reader(cache: Cache) -> None:
    key = CacheKey(
        DataClass.CLAIMS,
        "detail",
        Subject.claim("clm-1"),
        reader=Subject.provider("prov-1"),
        also_about=(Subject.member("m-1"),),
    )
    for tag in ("claim:clm-1", "provider:prov-1", "member:m-1", "member:m-1:claims"):
        fill(cache, key)
        assert look(cache, key).status is LookupStatus.HIT
        cache.invalidations.invalidate(cache.circuit, [tag])
        assert look(cache, key).status is LookupStatus.MISS, tag


def test_the_generation_drops_everything(filled: Cache) -> None:
    filled.invalidations.invalidate_everything(filled.circuit)
    assert fresh(filled) == []


def test_nothing_to_invalidate_asks_nothing(cache: Cache) -> None:
    told: list[frozenset[str]] = []
    cache.invalidations.listen(told.append)
    cache.invalidations.invalidate(cache.circuit, [])
    assert told == []


def test_an_invalidation_voids_the_fill_under_way_and_the_next_reader_gets_the_lease_at_once(cache: Cache) -> None:
    old = lease(cache)
    assert lease(cache).status is LookupStatus.BUSY
    cache.invalidations.invalidate(cache.circuit, ["member:m-1"])

    new = lease(cache)
    assert new.status is LookupStatus.LEASED
    assert cache.store([cache.write_for(old, entry("old"))]) == [False]
    cache.release([old])
    assert lease(cache).status is LookupStatus.BUSY
    assert cache.store([cache.write_for(new, entry("new"))]) == [True]
    assert cache.store([cache.write_for(old, entry("old"))]) == [False]
    assert value(look(cache)) == "new"


def test_an_invalidation_drops_the_last_good_entry_too(cache: Cache) -> None:
    fill(cache)
    cache.invalidations.invalidate(cache.circuit, ["member:m-1"])
    assert lease(cache).entry is None


def test_one_void_fill_does_not_keep_the_others_of_its_store_out(cache: Cache) -> None:
    readings = [lease(cache, CLAIMS), lease(cache, OTHERS_CLAIMS)]
    cache.invalidations.invalidate(cache.circuit, ["member:m-1"])
    assert cache.store([cache.write_for(reading, entry("v")) for reading in readings]) == [False, True]


def test_a_view_put_together_from_what_was_there_before_is_not_kept(cache: Cache) -> None:
    seen = look(cache)
    cache.invalidations.invalidate(cache.circuit, ["member:m-1:claims"])
    assert cache.store([cache.write_for(seen, entry("old"))]) == [False]
    assert look(cache).entry is None


@pytest.mark.parametrize("evicted", [lambda: version_hash_name("member:m-1"), generation_name])
def test_an_evicted_version_never_brings_an_old_entry_back(cache: Cache, redis: Redis, evicted: object) -> None:
    assert callable(evicted)
    cache.invalidations.invalidate(cache.circuit, ["member:m-1"])
    fill(cache, value="old")
    old_raw = redis.get(entry_name(CLAIMS))
    under_way = lease(cache, BENEFITS)
    redis.delete(evicted())

    assert look(cache).entry is None
    assert cache.store([cache.write_for(under_way, entry("old"))]) == [False]
    redis.set(entry_name(CLAIMS), old_raw)
    assert look(cache).entry is None
    redis.set(entry_name(CLAIMS), old_raw)
    cache.invalidations.invalidate(cache.circuit, ["member:m-1"])
    assert look(cache).entry is None


def test_a_flushed_redis_is_only_empty(cache: Cache, redis: Redis, prefix: str) -> None:
    fill(cache)
    under_way = lease(cache, BENEFITS)
    for name in redis.scan_iter(match=f"{prefix}:*"):
        redis.delete(name)
    assert cache.store([cache.write_for(under_way, entry("old"))]) == [False]
    assert lease(cache).status is LookupStatus.LEASED
    assert not cache.circuit.is_down


def test_a_pattern_drops_what_matches_and_counts_it(filled: Cache, redis: Redis) -> None:
    assert purge_pattern(filled.circuit, "claims:member:*") == 2
    assert fresh(filled) == ["benefits:member:m-1:all", "summary:claims"]
    assert purge_pattern(filled.circuit, "nothing*") == 0
    assert redis.exists(version_hash_name("member:m-1"))


def test_a_pattern_drops_more_than_one_batch_and_touches_no_other_prefix(cache: Cache, redis: Redis) -> None:
    pipeline = redis.pipeline()
    for number in range(1203):
        pipeline.set(entry_name(f"claims:member:m-{number}:list"), b"x", px=60_000)
    pipeline.set("somebody-else:e:claims:member:m-1:list", b"x", px=60_000)
    pipeline.execute()
    assert purge_pattern(cache.circuit, "*") == 1203
    assert redis.delete("somebody-else:e:claims:member:m-1:list") == 1


def test_a_prefix_with_signs_of_a_pattern_is_taken_as_it_is(cache: Cache, redis: Redis, settings: Settings) -> None:
    prefix = settings.CACHE_KEY_PREFIX
    redis.set(f"{prefix}x:e:claims:1", b"x", px=60_000)
    settings.CACHE_KEY_PREFIX = f"{prefix}?"
    redis.set(entry_name("claims:1"), b"x", px=60_000)
    assert purge_pattern(cache.circuit, "*") == 1
    assert redis.exists(f"{prefix}x:e:claims:1")


def test_a_purge_voids_the_fills_under_way_whenever_they_end(
    cache: Cache, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fill that ends between the two halves of the purge is the one that could slip through."""
    under_way = lease(cache)
    connect = cache.circuit._connect

    def connect_to_watched() -> Redis:
        client = connect()
        scan_iter, halves = client.scan_iter, iter((False, True))

        def watched(*args: object, **kwargs: object) -> object:
            if next(halves):
                assert cache.store([cache.write_for(under_way, entry("old"))]) == [False]
            return scan_iter(*args, **kwargs)

        monkeypatch.setattr(client, "scan_iter", watched)
        return client

    monkeypatch.setattr(cache.circuit, "_connect", connect_to_watched)
    purge_pattern(cache.circuit, "claims:*")
    monkeypatch.undo()
    assert look(cache).entry is None


def test_listeners_hear_of_each_invalidation_of_this_process(cache: Cache) -> None:
    told: list[frozenset[str]] = []
    cache.invalidations.listen(told.append)
    cache.invalidations.invalidate(cache.circuit, ["member:m-1", "claim:clm-1"])
    cache.invalidations.invalidate_everything(cache.circuit)
    cache.invalidate_pattern("claims:*")
    assert told == [frozenset({"member:m-1", "claim:clm-1"}), frozenset(), frozenset()]


def test_delete_drops_the_entry_and_voids_the_fill_under_way(cache: Cache, redis: Redis) -> None:
    fill(cache)
    under_way = look(cache, lease_seconds=5, newer_than_ms=-1)
    assert cache.delete(CLAIMS)
    assert cache.store([cache.write_for(under_way, entry("old"))]) == [False]
    assert look(cache).entry is None
    fill(cache)
    assert cache.delete("claims:member:m-1:list")
    assert not redis.exists(entry_name(CLAIMS), lease_name(CLAIMS))


@pytest.mark.parametrize("step", [0, 1], ids=["before the leases go", "before the entries go"])
def test_a_purge_voids_a_view_that_was_looked_for_before_its_end(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """A view has no lease: it is put together from what was found, which may be what goes."""
    connect = cache.circuit._connect
    seen = []

    def connect_to_watched() -> Redis:
        client = connect()
        scan_iter, halves = client.scan_iter, iter((0, 1))

        def watched(*args: object, **kwargs: object) -> object:
            if next(halves) == step:
                seen.append(look(cache, BENEFITS))
            return scan_iter(*args, **kwargs)

        monkeypatch.setattr(client, "scan_iter", watched)
        return client

    before = look(cache, BENEFITS)
    monkeypatch.setattr(cache.circuit, "_connect", connect_to_watched)
    purge_pattern(cache.circuit, "claims:*")
    monkeypatch.undo()

    assert seen
    assert set(cache.store([cache.write_for(reading, entry("old")) for reading in (before, *seen)])) == {False}
    assert look(cache, BENEFITS).entry is None


def test_views_are_kept_again_behind_a_purge_and_a_fill_elsewhere_goes_on(cache: Cache) -> None:
    under_way = lease(cache, OTHERS_CLAIMS)
    purge_pattern(cache.circuit, "claims:member:m-1:*")
    assert cache.store([cache.write_for(under_way, entry("true"))]) == [True]

    def is_kept() -> bool:
        return cache.store([cache.write_for(look(cache, BENEFITS), entry("new"))]) == [True]

    wait_until(is_kept, seconds=1.0)


def test_a_purge_that_ends_does_not_end_another(cache: Cache, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = cache.circuit._connect
    inner_ended = []

    def connect_to_watched() -> Redis:
        client = connect()
        scan_iter, halves = client.scan_iter, iter((False, True))

        def watched(*args: object, **kwargs: object) -> object:
            if next(halves):
                monkeypatch.undo()
                purge_pattern(cache.circuit, "payments:*")
                inner_ended.append(look(cache, BENEFITS))
            return scan_iter(*args, **kwargs)

        monkeypatch.setattr(client, "scan_iter", watched)
        return client

    monkeypatch.setattr(cache.circuit, "_connect", connect_to_watched)
    purge_pattern(cache.circuit, "claims:*")

    assert cache.store([cache.write_for(inner_ended[0], entry("old"))]) == [False]


def test_delete_voids_a_view_that_is_being_put_together(cache: Cache) -> None:
    seen = look(cache)
    assert cache.delete(CLAIMS)
    assert cache.store([cache.write_for(seen, entry("old"))]) == [False]


PROVIDERS_CLAIMS = CacheKey(DataClass.CLAIMS, "list", Subject.provider("prov-1"))


def test_what_all_entries_or_those_of_many_subjects_carry_does_not_expire(cache: Cache, redis: Redis) -> None:
    def shared_lives() -> list[int]:
        names = (generation_name(), version_hash_name("summary"), version_hash_name("provider:*"))
        return [redis.pttl(name) for name in names]

    for key in (CLAIMS, SUMMARY, PROVIDERS_CLAIMS):
        fill(cache, key)
    assert shared_lives() == [-1, -1, -1]
    assert redis.pttl(version_hash_name("member:m-1")) > 0

    for name in (version_hash_name("summary"), version_hash_name("provider:*")):
        redis.pexpire(name, 60_000)
    cache.invalidations.invalidate(cache.circuit, ["summary", "provider:*:claims", "member:m-1:claims"])
    assert shared_lives() == [-1, -1, -1]
    assert redis.pttl(version_hash_name("member:m-1")) > 0
