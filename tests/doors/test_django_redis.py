"""Django's cache and django-redis, used as their documentation says, on the cache that ships."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.core.cache.backends.redis import RedisCache as DjangosOwn
from pytest_django import Settings
from redis import Redis
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.redis_keys import entry_name
from gateway_clients.caching.store import default_cache, invalidations
from gateway_clients.conf import DataClass
from tests.support.calls import at_once, cache_that_is_down
from tests.support.waiting import wait_until

CLAIMS = CacheKey(DataClass.CLAIMS, "list:limit=20", Subject.member("m-1"))
BENEFITS = CacheKey(DataClass.BENEFITS, "summary", Subject.member("m-1"))
SECRET_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
DIAGNOSIS = "a diagnosis that nobody may read"


@pytest.fixture(autouse=True)
def prefix(settings: Settings) -> str:
    """Names and keys of encryption of the test's own."""
    wait_until(lambda: not default_cache().circuit.is_down)
    own = f"test-{uuid.uuid4().hex}"
    settings.CACHE_KEY_PREFIX = own
    settings.CACHES = {**settings.CACHES, "default": {**settings.CACHES["default"], "KEY_PREFIX": own}}
    settings.CACHE_ENCRYPTION_KEYS = [SECRET_KEY]
    return own


@pytest.fixture
def redis(settings: Settings) -> Any:
    with Redis.from_url(settings.REDIS_URL) as client:
        yield client


@pytest.fixture
def stored(redis: Redis, prefix: str) -> Callable[[], bytes]:
    """All values that stand in Redis under the test's names."""
    return lambda: b"\n".join(redis.get(name) or b"" for name in redis.scan_iter(f"{prefix}:*", _type="string"))


def test_a_plain_key_is_set_got_and_deleted() -> None:
    assert cache.get("colour", "none") == "none"
    assert cache.set("colour", {"name": "teal", "parts": [1, 2.5, None, True]})
    assert cache.get("colour") == {"name": "teal", "parts": [1, 2.5, None, True]}
    assert "colour" in cache
    assert (cache.delete("colour"), cache.delete("colour")) == (True, False)
    assert cache.get("colour") is None


def test_a_typed_key_is_set_got_and_deleted() -> None:
    assert cache.get(CLAIMS, "none") == "none"
    assert cache.set(CLAIMS, {"total": 3})
    assert cache.get(CLAIMS) == {"total": 3}
    assert CLAIMS in cache
    cache.delete(CLAIMS)
    assert cache.get(CLAIMS) is None


def test_many_keys_of_both_kinds_are_set_and_got_together() -> None:
    cache.set_many({CLAIMS: [1], "plain": [2], "number": 3})

    assert cache.get_many([CLAIMS, BENEFITS, "plain", "number", "other"]) == {CLAIMS: [1], "plain": [2], "number": 3}
    assert cache.delete_many([CLAIMS, "plain", "number", "other"]) is not None
    assert cache.get_many([CLAIMS, "plain", "number"]) == {}


def test_add_keeps_what_is_there() -> None:
    assert [cache.add("plain", 1), cache.add("plain", 2), cache.get("plain")] == [True, False, 1]
    assert [cache.add(CLAIMS, [1]), cache.add(CLAIMS, [2]), cache.get(CLAIMS)] == [True, False, [1]]


@pytest.mark.parametrize("key", ["plain", CLAIMS], ids=["plain", "typed"])
def test_get_or_set_makes_a_value_once(key: Any) -> None:
    made: list[int] = []

    def make() -> dict[str, int]:
        made.append(1)
        return {"total": len(made)}

    assert [cache.get_or_set(key, make, 30) for _ in range(2)] == [{"total": 1}] * 2
    assert cache.get_or_set(f"{key}:value", [7]) == [7]


def test_twenty_callers_of_get_or_set_of_a_typed_key_make_its_value_once() -> None:
    made, begin = [0], threading.Event()

    def make() -> int:
        made[0] += 1
        begin.wait(0.2)
        return 7

    results = at_once(20, lambda: caches["default"].get_or_set(CLAIMS, make))

    assert ({each.result for each in results}, made) == ({7}, [1])


def test_whole_numbers_are_counted_by_redis(redis: Redis, prefix: str) -> None:
    cache.set("visits", 41, 60)

    assert [cache.incr("visits"), cache.incr("visits", 8), cache.decr("visits", 10)] == [42, 50, 40]
    assert redis.get(f"{prefix}:d:1:visits") == b"40"
    assert 50 < cache.ttl("visits") <= 60
    with pytest.raises(ValueError, match="not found"):
        cache.incr("nobody")


def test_a_typed_key_is_not_counted() -> None:
    with pytest.raises(TypeError, match="takes plain keys"):
        cache.incr(CLAIMS)


def test_touch_moves_the_end_and_never_prolongs_a_typed_key(redis: Redis) -> None:
    cache.set_many({"plain": 1, CLAIMS: [1]}, 20)

    assert [cache.touch("plain", 500), cache.touch(CLAIMS, 500), cache.touch("other", 5)] == [True, True, False]
    assert 490 < cache.ttl("plain") <= 500
    assert redis.pttl(entry_name(CLAIMS)) <= 20_000
    assert cache.touch(CLAIMS, 5)
    assert redis.pttl(entry_name(CLAIMS)) <= 5_000


def test_delete_pattern_finds_keys_of_both_kinds() -> None:
    cache.set_many({CLAIMS: [1], BENEFITS: [2], "claims:of:today": 3, "other": 4})

    assert cache.delete_pattern("claims:*") == 2
    assert cache.get_many([CLAIMS, BENEFITS, "claims:of:today", "other"]) == {BENEFITS: [2], "other": 4}


def test_clear_leaves_what_else_the_gateway_has_in_redis(redis: Redis, prefix: str) -> None:
    cache.set_many({CLAIMS: [1], "plain": 2})
    redis.set(f"{prefix}:breakers", "stays", ex=60)

    cache.clear()

    assert cache.get_many([CLAIMS, "plain"]) == {}
    assert redis.get(f"{prefix}:breakers") == b"stays"


def test_what_is_about_a_member_goes_with_their_tags() -> None:
    cache.set_many({CLAIMS: [1], BENEFITS: [2]})

    invalidations().invalidate(default_cache().circuit, ["member:m-1:claims"])

    assert cache.get_many([CLAIMS, BENEFITS]) == {BENEFITS: [2]}


def test_what_stands_in_redis_is_sealed(stored: Callable[[], bytes]) -> None:
    cache.set(CLAIMS, DIAGNOSIS)
    cache.set("one", DIAGNOSIS)
    cache.set_many({"many": [DIAGNOSIS], BENEFITS: {"text": DIAGNOSIS}})
    cache.get_or_set("made", lambda: DIAGNOSIS)
    cache.add("added", DIAGNOSIS)

    assert len(stored()) > 5 * len(DIAGNOSIS)
    assert DIAGNOSIS.encode() not in stored()
    assert cache.get_many(["one", "many", "made", "added"]) == {
        "one": DIAGNOSIS,
        "many": [DIAGNOSIS],
        "made": DIAGNOSIS,
        "added": DIAGNOSIS,
    }


def test_a_value_that_was_moved_or_planted_is_a_miss(redis: Redis, prefix: str) -> None:
    cache.set_many({"mine": {"id": 1}, "yours": {"id": 2}})
    redis.rename(f"{prefix}:d:1:mine", f"{prefix}:d:1:yours")
    redis.set(f"{prefix}:d:1:planted", b'{"id": 3}')

    assert cache.get_many(["mine", "yours", "planted"]) == {}


def test_versions_of_a_plain_key_are_apart() -> None:
    cache.set("settings", ["old"])
    cache.set("settings", ["new"], version=2)

    assert [cache.get("settings"), cache.get("settings", version=2)] == [["old"], ["new"]]
    assert cache.incr_version("settings") == 2
    assert [cache.get("settings"), cache.get("settings", version=2)] == [None, ["old"]]


def test_keys_are_told_as_they_were_given() -> None:
    cache.set_many({"a:1": 1, "a:2": 2, "b": 3, CLAIMS: 4})

    assert sorted(cache.keys("a:*")) == sorted(cache.iter_keys("a:*")) == ["a:1", "a:2"]


def test_without_redis_nothing_is_found_or_kept_and_nothing_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    down = cache_that_is_down()
    monkeypatch.setattr("gateway_clients.caching.django_cache.default_cache", lambda: down)

    assert [cache.set("plain", 1), cache.get("plain", "none"), cache.get_many(["plain", CLAIMS])] == [None, "none", {}]
    assert [cache.set(CLAIMS, 1), cache.get(CLAIMS, "none")] == [False, "none"]
    assert cache.get_or_set(CLAIMS, lambda: 5) == 5
    assert cache.get_or_set("plain", lambda: 5) == 5
    assert cache.incr("plain") is None


class TwoInAMinute(UserRateThrottle):
    """DRF's own throttle, which keeps its history in `caches["default"]`."""

    rate = "2/min"


class Throttled(APIView):
    """Answers two requests of an address in a minute."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = (TwoInAMinute,)

    def get(self, request: Request) -> Response:
        return Response(request.method)


def test_a_throttle_of_drfs_counts_on_it(stored: Callable[[], bytes]) -> None:
    view, factory = Throttled.as_view(), APIRequestFactory()
    answers = [view(factory.get("/", REMOTE_ADDR=address)) for address in ("10.0.0.1",) * 3 + ("10.0.0.2",)]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
    assert 0 < int(answers[2]["Retry-After"]) <= 60
    assert stored()


def test_it_is_a_cache_of_djangos_as_others_are() -> None:
    methods = {name for name in dir(DjangosOwn) if not name.startswith("_")}

    assert {name for name in methods if not hasattr(caches["default"], name)} == set()
