"""How often somebody may ask, with a real Redis, without one, and with one that hangs."""

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import caches
from django.core.signals import request_finished
from django.test import Client, RequestFactory
from redis import Redis

from gateway_clients.caching import counters
from gateway_clients.caching.counters import HeldCounts, LocalCounters
from gateway_clients.caching.store import default_cache, default_circuit
from gateway_clients.edge.input.request_context import RequestContext
from gateway_clients.edge.rate_limit import limiter_cache
from gateway_clients.edge.rate_limit.limits import RequestCount, client_address
from gateway_clients.pipeline.outcome import Freshness, SectionState
from tests.edge.redis_process import RedisProcess

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.edge.sample_urls")]

PING = "/api/v1/sample-ping"
SAMPLE = "/api/v1/sample/m-1"
LOGIN = "/api/v1/auth/login"


@pytest.fixture(scope="module")
def redis_process() -> Iterator[RedisProcess]:
    """A Redis of this module's own."""
    process = RedisProcess()
    yield process
    process.stop()


@pytest.fixture(autouse=True)
def _redis(settings: Any, redis_process: RedisProcess, own_counters: None) -> Iterator[None]:
    redis_process.thaw()
    settings.CACHES = {**settings.CACHES, "default": {**settings.CACHES["default"], "LOCATION": redis_process.url}}
    yield
    caches["default"].close()


def _sign_in(client: Client, email: str, **options: Any) -> int:
    return client.post(LOGIN, {"email": email, "password": "wrong"}, "application/json", **options).status_code


def test_past_the_limit_it_is_429_with_the_time_to_wait(portal: Client, settings: Any) -> None:
    settings.RATE_LIMIT_MAX = 2
    statuses = [portal.get(PING).status_code for _ in range(2)]
    refused = portal.get(PING)

    assert statuses == [401, 401]
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.json()["detail"] == "Too many requests, please try again later"
    assert 1 <= int(refused["Retry-After"]) <= 900
    assert refused["RateLimit-Policy"] == '"default";q=2;w=900'
    assert refused["RateLimit"].startswith('"default";r=0;t=')


@pytest.mark.parametrize(
    ("states", "left"),
    [
        ([], 98),
        ([SectionState.CACHED], 98),
        ([SectionState.FRESH], 97),
        ([SectionState.CACHED, SectionState.STALE], 97),
    ],
)
def test_an_unchanged_answer_counts_for_nothing_unless_somebody_was_asked(
    states: list[SectionState], left: int, signed_in: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RATE_LIMIT_MAX = 100
    member = signed_in(member_id="m-1")
    etag = member.get(SAMPLE)["ETag"]
    assert member.get(SAMPLE).status_code == 200
    monkeypatch.setattr(RequestContext, "freshness", property(lambda _: [Freshness(state) for state in states]))

    unchanged = member.get(SAMPLE, headers={"If-None-Match": etag})

    assert unchanged.status_code == 304
    assert unchanged["RateLimit"].startswith(f'"default";r={left};t=')


def test_what_is_forgiven_before_redis_was_told_of_it_leaves_what_there_was(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "TELL_SECONDS", 3600.0)
    held = HeldCounts(default_circuit(), processes=lambda: 1)
    monkeypatch.setattr(default_cache(), "_held_counts", held)
    request = RequestFactory().get(SAMPLE)
    first = RequestCount(request, "1")
    first.finish()
    held.learn(first.count)

    def left_after_an_unchanged_answer() -> str:
        count = RequestCount(request, "1")
        assert held.hold(count.count)
        count.forgive()
        return count.usage.headers["RateLimit"].partition(";t=")[0]

    assert [left_after_an_unchanged_answer() for _ in range(3)] == ['"default";r=99'] * 3


def test_an_unchanged_answer_is_shown_when_nothing_is_left(
    signed_in: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RequestContext, "freshness", property(lambda _: []))
    settings.RATE_LIMIT_MAX = 1
    member = signed_in(member_id="m-1")
    etag = member.get(SAMPLE)["ETag"]

    statuses = [member.get(SAMPLE, headers=headers).status_code for headers in ({"If-None-Match": etag}, {}) * 2]

    assert statuses == [304, 429, 304, 429]


def test_a_request_whose_answer_must_not_be_sent_ends_once(
    signed_in: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RequestContext, "freshness", property(lambda _: []))
    settings.RATE_LIMIT_MAX = 1
    member = signed_in(member_id="m-1")
    member.get(SAMPLE)
    ends: list[object] = []

    def note(sender: object, **_: Any) -> None:
        ends.append(sender)

    request_finished.connect(note)
    try:
        status = member.get(SAMPLE, headers={"If-None-Match": '"another"'}).status_code
    finally:
        request_finished.disconnect(note)

    assert (status, len(ends)) == (429, 1)


def test_every_answer_says_what_is_left(portal: Client) -> None:
    portal.get(PING)

    assert portal.get(PING)["RateLimit"].startswith('"default";r=98;t=')


def test_each_user_has_a_limit_of_their_own(signed_in: Any, settings: Any) -> None:
    settings.RATE_LIMIT_MAX = 1
    one, other = signed_in(member_id="m-1"), signed_in(member_id="m-2")

    assert [client.get(PING).status_code for client in (one, other, one)] == [200, 200, 429]


def test_refusals_and_unknown_addresses_count(portal: Client, settings: Any) -> None:
    settings.RATE_LIMIT_MAX = 3

    assert [portal.get(f"/api/v1/{path}").status_code for path in ("x", "sample-ping", "auth/login", "x")] == [
        404,
        401,
        405,
        429,
    ]


@pytest.mark.parametrize(
    "path", ["/", "/health", "/health/live", "/health/ready", "/api-docs", "/api/v1/schema", "/admin/login/"]
)
def test_health_docs_and_staffs_pages_are_not_limited(portal: Client, settings: Any, path: str) -> None:
    settings.RATE_LIMIT_MAX = 1

    assert [portal.get(path).status_code for _ in range(3)] == [200, 200, 200]


def test_it_costs_redis_one_round_trip(portal: Client, redis_process: RedisProcess) -> None:
    portal.get(PING)
    with Redis(port=redis_process.port) as redis:
        redis.config_resetstat()
        portal.get(PING)
        calls = {name: stat["calls"] for name, stat in redis.info("commandstats").items()}

    assert calls.pop("cmdstat_evalsha") == 1
    assert calls.keys() <= {"cmdstat_incrby", "cmdstat_config", "cmdstat_config|resetstat", "cmdstat_info"}


def test_processes_count_together(portal: Client, settings: Any, redis_process: RedisProcess) -> None:
    prefix = settings.CACHES["limits"]["KEY_PREFIX"]
    count = (
        "import django; django.setup()\n"
        "from gateway_clients.edge.rate_limit.limits import RequestCount\n"
        "from django.test import RequestFactory\n"
        "count = RequestCount(RequestFactory().get('/'), None)\n"
        "count.finish()\n"
        "print(count.usage.count)"
    )
    environment = {
        "DJANGO_SETTINGS_MODULE": "bff_project.settings",
        "ENVIRONMENT": "development",
        "REDIS_URL": redis_process.url,
        "CACHE_KEY_PREFIX": prefix,
    }
    counts = [
        subprocess.run(
            [sys.executable, "-c", count], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]

    assert [int(each) for each in counts] == [1, 2]


@pytest.mark.parametrize("kind", ["text", "hash"])
def test_what_is_no_number_is_begun_anew(portal: Client, settings: Any, redis_process: RedisProcess, kind: str) -> None:
    settings.RATE_LIMIT_MAX = 3
    portal.get(PING)
    with Redis(port=redis_process.port) as redis:
        (name,) = redis.scan_iter(f"{settings.CACHES['limits']['KEY_PREFIX']}:*:rl:*")
        redis.delete(name)
        _ = redis.set(name, "foreign") if kind == "text" else redis.hset(name, "foreign", "value")
        statuses = [portal.get(PING).status_code for _ in range(4)]

        assert statuses == [401, 401, 401, 429]
        assert (redis.get(name), redis.ttl(name) > 0) == (b"4", True)
    assert not limiter_cache.cache_guard().is_down


def test_with_redis_frozen_the_process_goes_on_counting_alone(
    portal: Client, settings: Any, redis_process: RedisProcess
) -> None:
    settings.RATE_LIMIT_MAX = 3
    portal.get(PING)
    redis_process.freeze()
    began = time.monotonic()
    statuses = [portal.get(PING).status_code for _ in range(4)]

    assert statuses == [401, 401, 401, 429]
    assert time.monotonic() - began < 0.5


def test_with_redis_gone_sign_ins_are_still_limited(portal: Client, settings: Any) -> None:
    settings.CACHES = {
        **settings.CACHES,
        "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"},
    }
    settings.LOGIN_RATE_LIMIT_MAX = 2

    assert [_sign_in(portal, "a@example.com") for _ in range(3)] == [401, 401, 429]


def test_local_counters_begin_again_when_their_window_ends() -> None:
    now = [100.0]
    local = LocalCounters(lambda: now[0])
    counts = [local.count("a", 1, 10), local.count("a", 1, 10)]
    now[0] = 110.0

    assert [*counts, local.count("a", 1, 10)] == [1, 2, 1]


def test_local_counters_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "MAX_LOCAL_KEYS", 3)
    kept = LocalCounters(lambda: 0.0)
    for number in range(10):
        kept.count(str(number), 1, 10)

    assert len(kept._counts) == 3


def test_wrong_sign_ins_are_limited_by_account_and_address_in_any_case(portal: Client, settings: Any) -> None:
    settings.LOGIN_RATE_LIMIT_MAX = 2
    emails = ["a@example.com", "A@EXAMPLE.com ", "a@example.com", "b@example.com"]

    assert [_sign_in(portal, email) for email in emails] == [401, 401, 429, 401]
    assert _sign_in(portal, "a@example.com", REMOTE_ADDR="10.9.8.7") == 401


def test_wrong_sign_ins_are_limited_by_address(portal: Client, settings: Any) -> None:
    settings.LOGIN_RATE_LIMIT_MAX = 1
    statuses = [_sign_in(portal, f"{uuid.uuid4().hex}@example.com") for _ in range(11)]

    assert statuses == [401] * 10 + [429]
    assert _sign_in(portal, "other@example.com", REMOTE_ADDR="10.9.8.7") == 401


def test_wrong_sign_ins_to_an_account_are_limited_over_all_addresses(portal: Client, settings: Any) -> None:
    settings.LOGIN_RATE_LIMIT_MAX = 1
    statuses = [_sign_in(portal, "a@example.com", REMOTE_ADDR=f"10.0.0.{number}") for number in range(6)]

    assert statuses == [401] * 5 + [429]


def test_no_number_of_strangers_keeps_everybody_out(portal: Client, settings: Any) -> None:
    settings.LOGIN_RATE_LIMIT_MAX = 1
    settings.RATE_LIMIT_MAX = 1000
    for number in range(120):
        _sign_in(portal, f"{number}@example.com", REMOTE_ADDR=f"10.0.0.{number}")

    assert _sign_in(portal, "new@example.com", REMOTE_ADDR="10.1.0.1") == 401


def test_staffs_sign_in_counts_in_the_same_limiter(portal: Client, settings: Any) -> None:
    settings.LOGIN_RATE_LIMIT_MAX = 1
    first = _sign_in(portal, "staff@example.com")
    page = portal.post("/admin/login/", {"username": "staff@example.com", "password": "wrong"})

    assert first == 401
    assert "Too many requests" in page.content.decode()


@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        (0, "1.1.1.1", "9.9.9.9"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (2, "1.1.1.1", "1.1.1.1"),
        (1, "", "9.9.9.9"),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        (1, "::ffff:198.51.100.11", "198.51.100.11"),
        (1, "::FFFF:c633:640b", "198.51.100.11"),
        (1, "[::ffff:198.51.100.11]:443", "198.51.100.11"),
        (1, "198.51.100.21:40001", "198.51.100.21"),
        (1, '"[2001:db8:1:2::1]:443"', "2001:db8:1:2::"),
        (1, "[2001:DB8:1:2::1]:443", "2001:db8:1:2::"),
        (1, "[2001:db8:1:2::1]", "2001:db8:1:2::"),
        (1, "fe80::1%eth0", "fe80::"),
        (1, "6.6.6.6, 198.51.100.21:40001", "198.51.100.21"),
        (1, "_hidden-1", "_hidden-1"),
        (1, "_hidden-2", "_hidden-2"),
        (1, "::not an address", "::not an address"),
    ],
)
def test_forwarded_addresses_count_as_far_as_proxies_are_trusted(
    settings: Any, trusted: int, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = trusted
    request = RequestFactory().get("/", REMOTE_ADDR="9.9.9.9", headers={"X-Forwarded-For": forwarded})

    assert client_address(request) == address


def test_a_client_on_a_socket_for_both_families_is_the_same_as_on_one_for_its_own() -> None:
    requests = [RequestFactory().get("/", REMOTE_ADDR=address) for address in ("198.51.100.11", "::ffff:198.51.100.11")]

    assert {client_address(request) for request in requests} == {"198.51.100.11"}
