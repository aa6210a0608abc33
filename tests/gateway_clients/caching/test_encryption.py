"""What entries look like in Redis: encrypted, bound to their names; whatever else is found there is a miss."""

import base64
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings
from redis import Redis

from gateway_clients.caching.lookups import LookupStatus
from gateway_clients.caching.redis_keys import entry_name, lease_name
from gateway_clients.caching.store import Cache
from gateway_clients.encryption import AesGcmSealer, PlainSealer, UnsealableError, key_from_text
from tests.gateway_clients.caching.steps import BENEFITS, CLAIMS, OTHERS_CLAIMS, entry, fill, lease, look
from tests.gateway_clients.caching.steps import value_of as value


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def raw(redis: Redis, key: object) -> bytes:
    found = redis.get(entry_name(str(key)))
    assert isinstance(found, bytes)
    return found


@pytest.fixture
def keys(settings: Settings) -> list[str]:
    settings.CACHE_ENCRYPTION_KEYS = [new_key()]
    return settings.CACHE_ENCRYPTION_KEYS


def test_a_value_is_not_readable_at_rest(cache: Cache, redis: Redis, keys: list[str]) -> None:
    fill(cache, value={"diagnosis": "very-private"})
    assert b"very-private" not in raw(redis, CLAIMS)
    assert b"diagnosis" not in raw(redis, CLAIMS)
    assert value(look(cache)) == {"diagnosis": "very-private"}


def test_the_same_value_never_looks_the_same(cache: Cache, redis: Redis, keys: list[str]) -> None:
    fill(cache, value="v")
    first = raw(redis, CLAIMS).partition(b"\n")[2]
    cache.delete(CLAIMS)
    fill(cache, value="v")
    assert raw(redis, CLAIMS).partition(b"\n")[2] != first


def test_a_value_moved_to_another_members_key_does_not_open_and_is_deleted(
    cache: Cache, redis: Redis, keys: list[str]
) -> None:
    fill(cache, CLAIMS, "of m-1")
    fill(cache, OTHERS_CLAIMS, "of m-2")
    head = raw(redis, OTHERS_CLAIMS).partition(b"\n")[0]
    redis.set(entry_name(OTHERS_CLAIMS), head + b"\n" + raw(redis, CLAIMS).partition(b"\n")[2], px=60_000)

    assert look(cache, OTHERS_CLAIMS).entry is None
    assert not redis.exists(entry_name(OTHERS_CLAIMS))
    assert value(look(cache, CLAIMS)) == "of m-1"


def test_the_first_key_encrypts_and_all_decrypt_so_that_keys_can_be_changed(
    cache: Cache, redis: Redis, settings: Settings
) -> None:
    old, new = new_key(), new_key()
    settings.CACHE_ENCRYPTION_KEYS = [old]
    fill(cache, CLAIMS, "old key")
    settings.CACHE_ENCRYPTION_KEYS = [new, old]
    fill(cache, BENEFITS, "new key")
    assert value(look(cache, CLAIMS)) == "old key"

    settings.CACHE_ENCRYPTION_KEYS = [new]
    assert value(look(cache, BENEFITS)) == "new key"
    assert look(cache, CLAIMS).entry is None
    assert not redis.exists(entry_name(CLAIMS))


def test_plain_values_are_not_taken_where_encryption_is_on_nor_the_other_way_round(
    cache: Cache, settings: Settings
) -> None:
    settings.CACHE_ENCRYPTION_KEYS = []
    fill(cache, CLAIMS)
    settings.CACHE_ENCRYPTION_KEYS = [new_key()]
    assert look(cache, CLAIMS).entry is None
    fill(cache, CLAIMS)
    settings.CACHE_ENCRYPTION_KEYS = []
    assert look(cache, CLAIMS).entry is None


@pytest.mark.parametrize("text", ["", "short", base64.b64encode(b"x" * 31).decode(), "*" * 44])
def test_a_key_that_is_not_base64_of_32_bytes_is_refused(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="CACHE_ENCRYPTION_KEYS"):
        key_from_text(text)


@pytest.mark.parametrize("cut", [0, 1, 4, 5, 16, 17, 32, -1])
def test_cut_or_changed_bytes_do_not_open(cut: int) -> None:
    sealer = AesGcmSealer.of([b"k" * 32])
    sealed = sealer.seal("name", b"value")
    assert sealer.open("name", sealed) == b"value"
    with pytest.raises(UnsealableError):
        sealer.open("name", sealed[:cut])
    with pytest.raises(UnsealableError):
        sealer.open("name", sealed[:cut] + bytes([sealed[cut] ^ 1]) + sealed[cut:][1:])
    with pytest.raises(UnsealableError):
        PlainSealer().open("name", b"")


JUNK: dict[str, bytes] = {
    "nothing": b"",
    "a word": b"foreign",
    "only a head": b"1,99999999999999,",
    "no numbers": b"a,b,c\nx",
    "bytes": bytes(range(256)),
    "a pickle": pickle.dumps({"x": 1}),
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
def test_what_is_no_entry_is_a_miss_and_deleted(cache: Cache, redis: Redis, junk: bytes) -> None:
    redis.set(entry_name(CLAIMS), junk, px=60_000)
    assert look(cache).entry is None
    assert not redis.exists(entry_name(CLAIMS))
    assert not cache.circuit.is_down


SEALED_JUNK: dict[str, bytes] = {
    "nothing": b"",
    "no mark": b"value",
    "no msgpack": b"\x00\xc1",
    "cut msgpack": b"\x00\x94\xa5hel",
    "another shape": b"\x00" + msgspec.msgpack.encode({"body": 1}),
    "an older shape": b"\x00" + msgspec.msgpack.encode(["x", "yes", -1]),
    "no text": b"\x00" + msgspec.msgpack.encode([1, False, 0, 0.0, ["x"]]).replace(b"\xa1x", b"\xa1\xff"),
    "very deep": b"\x00" + b"\x91" * 100_000,
    "a pickle": b"\x00" + pickle.dumps("x"),
}


@pytest.mark.parametrize("junk", SEALED_JUNK.values(), ids=SEALED_JUNK.keys())
def test_an_entry_that_cannot_be_read_is_a_miss_and_deleted_and_can_be_filled_anew(
    cache: Cache, redis: Redis, junk: bytes
) -> None:
    fill(cache)
    redis.set(entry_name(CLAIMS), raw(redis, CLAIMS).partition(b"\n")[0] + b"\n" + junk, px=60_000)
    reading = lease(cache)
    assert (reading.entry, reading.status) == (None, LookupStatus.MISS)
    assert not redis.exists(entry_name(CLAIMS))
    assert fill(cache, value="new")
    assert value(look(cache)) == "new"


def test_an_unreadable_stale_entry_does_not_cost_its_reader_the_lease(cache: Cache, redis: Redis) -> None:
    fill(cache)
    head = raw(redis, CLAIMS).partition(b"\n")[0]
    redis.set(entry_name(CLAIMS), head + b"\n" + b"junk", px=60_000)
    reading = look(cache, lease_seconds=5, newer_than_ms=-1)
    assert (reading.status, reading.entry) == (LookupStatus.LEASED, None)
    assert redis.exists(lease_name(CLAIMS))
    assert cache.store([cache.write_for(reading, entry("new"))]) == [True]


@pytest.mark.parametrize("name_of", [entry_name, lease_name])
def test_a_list_or_a_hash_under_our_names_is_dropped_and_does_not_count_as_a_dead_redis(
    cache: Cache, redis: Redis, name_of: object
) -> None:
    assert callable(name_of)
    redis.rpush(name_of(CLAIMS), "x")
    redis.expire(name_of(CLAIMS), 60)
    reading = lease(cache)
    assert reading.status is LookupStatus.LEASED
    assert redis.type(name_of(CLAIMS)) != b"list"
    redis.unlink(lease_name(CLAIMS))
    redis.hset(lease_name(CLAIMS), "x", "y")
    cache.release([reading])
    assert cache.store([cache.write_for(reading, entry("late"))]) == [False]
    assert fill(cache)
    assert not cache.circuit.is_down


class Bomb:
    """Says so when it is unpickled."""

    fired: ClassVar[list[str]] = []

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Bomb.fired.append, ("boom",)


def test_nothing_from_redis_is_ever_unpickled(cache: Cache, redis: Redis) -> None:
    fill(cache)
    head = raw(redis, CLAIMS).partition(b"\n")[0]
    for planted in (pickle.dumps(Bomb()), head + b"\n\x00" + pickle.dumps(Bomb()), head + b"\n" + pickle.dumps(Bomb())):
        redis.set(entry_name(CLAIMS), planted, px=60_000)
        assert look(cache).entry is None
    assert Bomb.fired == []
    assert list(_sources_that_say("pickle")) == []


def _sources_that_say(word: str) -> Iterator[str]:
    root = Path(__file__).resolve().parents[3]
    for path in (root / "gateway_clients" / "caching").rglob("*.py"):
        if f"import {word}" in path.read_text():
            yield str(path)
