"""Looking for views and their calls: the round trips that costs, and what it leaves behind."""

import threading
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from pytest_django import Settings

from gateway_clients.caching.counters import COUNT, Count
from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.lookups import CacheLookup, LookupStatus
from gateway_clients.caching.lua import READ, RELEASE, STORE
from gateway_clients.caching.round_trip import RedisRoundTrip
from gateway_clients.caching.store import Cache, default_cache
from gateway_clients.conf import DataClass
from gateway_clients.errors import GatewayOverloadedError, LimitExceededError
from gateway_clients.gateway import CompositeView, Gateway, SectionSpec, ViewSpec
from gateway_clients.gateway.recent_keys import kept_views
from gateway_clients.pipeline.background import single_flight
from gateway_clients.pipeline.upstreams import admission, upstream
from gateway_clients.redis_access.script import ScriptCall
from gateway_clients.redis_access.script_pool import ScriptPool
from tests.gateway_clients.wire.steps import requests_waiting
from tests.support.calls import Running, call_of, gateway_for
from tests.support.upstream import Asked, RawUpstream, Script, Wire, answer, says_json
from tests.support.waiting import wait_until

CLASSES = {"member": DataClass.MEMBER, "claims": DataClass.CLAIMS}


def call(service: str) -> Any:
    return call_of(service, key=CacheKey(CLASSES[service], "thing", subject=Subject.member("m-1")))


VIEW = ViewSpec(
    name="both",
    data_class=DataClass.DASHBOARD,
    subject=Subject.member,
    sections=tuple(
        SectionSpec(
            name=service,
            service=service,
            call=lambda _gateway, _member_id, service=service: call(service),
            transform=lambda thing: thing.value,
        )
        for service in CLASSES
    ),
)
WHOLE = CacheKey(DataClass.DASHBOARD, "both", Subject.member("m-1")).shaped(VIEW.shape)


def count_of(limit: int = 100, **options: Any) -> Count:
    """A count of a counter that nobody else has."""
    return Count(f"test:{uuid.uuid4().hex}", life_seconds=60, limit=limit, **options)


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    kept_views.cache_clear()


@pytest.fixture
def both(upstreams: Callable[..., list[RawUpstream]], settings: Settings) -> list[RawUpstream]:
    settings.RETRY_BUDGET = 0.0
    return upstreams(member=says_json({"value": "m"}), claims=says_json({"value": "c"}))


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The scripts of each round trip of this thread to Redis."""
    made: list[list[str]] = []
    here = threading.get_ident()
    run = ScriptPool.run
    names = {COUNT: "count", READ: "read", STORE: "store", RELEASE: "release"}

    def noted(pool: ScriptPool, calls: Sequence[ScriptCall]) -> list[Any]:
        if threading.get_ident() == here:
            made.append([names[call.script] for call in calls])
        return run(pool, calls)

    monkeypatch.setattr(ScriptPool, "run", noted)
    return made


def counted() -> Gateway:
    gateway = gateway_for()
    gateway.count = count_of()
    return gateway


def answers_with_the_other(gate: threading.Barrier, value: str) -> Script:
    """Answers once both upstreams were asked."""

    def script(wire: Wire, _: Asked) -> None:
        gate.wait(20.0)
        wire.send(answer(b'{"value": "%s"}' % value.encode()))

    return script


def view_of(gateway: Gateway | None = None) -> CompositeView:
    return (gateway or gateway_for()).view(VIEW, "m-1")


def shown(gateway: Gateway | None = None) -> dict[str, tuple[str, Any]]:
    return {
        name: (str(section.state), section.value and msgspec.json.decode(section.value))
        for name, section in view_of(gateway).sections().items()
    }


def counts(upstreams: list[RawUpstream]) -> list[int]:
    return [len(each.asked) for each in upstreams]


def is_free(key: CacheKey) -> bool:
    (reading,) = default_cache().read([CacheLookup(key=key)])
    (leased,) = default_cache().read([CacheLookup(key=key, lease_seconds=5)])
    default_cache().release([leased])
    return (reading.status, leased.status) == (LookupStatus.MISS, LookupStatus.LEASED)


def test_a_cold_view_costs_one_lookup_and_its_stores_and_a_warm_one_costs_one_lookup(
    both: list[RawUpstream], trips: list[list[str]]
) -> None:
    gate = threading.Barrier(2)
    for each, value in zip(both, "mc", strict=True):
        each.say(answers_with_the_other(gate, value))

    assert shown(counted()) == {"member": ("fresh", "m"), "claims": ("fresh", "c")}
    assert (trips[0], {tuple(trip) for trip in trips[1:]}) == (["count", "read"], {("store",)})
    assert len(trips) <= 3
    trips.clear()
    assert shown(counted()) == {"member": ("cached", "m"), "claims": ("cached", "c")}
    assert trips == [["count", "read"]]


def test_a_cold_call_costs_one_lookup_and_one_store_and_a_warm_one_costs_one_lookup(
    both: list[RawUpstream], trips: list[list[str]]
) -> None:
    gateways = [counted(), counted()]

    assert [gateway.call(call("member")).require().value for gateway in gateways] == ["m", "m"]
    assert trips == [["count", "read"], ["store"], ["count", "read"]]


def test_several_cold_views_of_one_request_cost_two_lookups(both: list[RawUpstream], trips: list[list[str]]) -> None:
    gateway = counted()
    views = [gateway.view(VIEW, member_id) for member_id in ("m-1", "m-2")]

    assert [list(view.sections()) for view in views] == [["member", "claims"]] * 2
    assert (trips[:2], {tuple(trip) for trip in trips[2:]}) == ([["count", "read"], ["read"]], {("store",)})


def test_a_view_that_another_process_has_kept_costs_no_call_and_no_lease(both: list[RawUpstream]) -> None:
    shown()
    for service in CLASSES:
        default_cache().delete(call(service).key)
    kept_views.cache_clear()
    gateway = gateway_for()

    assert shown(gateway) == {"member": ("cached", "m"), "claims": ("cached", "c")}
    assert counts(both) == [1, 1]
    assert (gateway.timings, single_flight().under_way()) == ([], 0)
    assert all(is_free(call(service).key) for service in CLASSES)


def test_a_kept_view_that_nobody_can_read_is_made_anew(both: list[RawUpstream]) -> None:
    default_cache().set(WHOLE, msgspec.Raw(b"\xc1"))

    assert shown() == {"member": ("fresh", "m"), "claims": ("fresh", "c")}
    assert counts(both) == [1, 1]


def test_one_who_is_refused_asks_nobody_and_leaves_no_lease(both: list[RawUpstream]) -> None:
    gateway = gateway_for()
    gateway.count = count_of(limit=0)

    with pytest.raises(LimitExceededError):
        shown(gateway)

    assert counts(both) == [0, 0]
    assert (single_flight().under_way(), admission().waiting) == (0, 0)
    assert all(is_free(call(service).key) for service in CLASSES)


UNKEPT = ViewSpec(
    name="unkept",
    data_class=DataClass.DASHBOARD,
    subject=Subject.member,
    sections=(
        VIEW.sections[0],
        SectionSpec(
            name="claims",
            service="claims",
            call=lambda _gateway, _member_id: call_of("claims"),
            transform=lambda thing: thing.value,
        ),
    ),
)


def test_a_call_that_is_not_kept_waits_for_what_is_looked_for_ahead(both: list[RawUpstream]) -> None:
    refused = gateway_for()
    refused.count = count_of(limit=0)
    with pytest.raises(LimitExceededError):
        refused.view(UNKEPT, "m-1").sections()
    assert counts(both) == [0, 0]

    gateway_for().view(UNKEPT, "m-1").sections()
    kept_views.cache_clear()
    gateway = gateway_for()
    states = [str(section.state) for section in gateway.view(UNKEPT, "m-1").sections().values()]
    assert (states, counts(both), gateway.timings) == (["cached", "cached"], [1, 1], [])


def test_one_who_is_refused_does_not_fail_those_who_wait_for_the_same(
    both: list[RawUpstream], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The follower comes in while the leader asks Redis."""
    waiters: list[Running[Any]] = []
    send = Cache.send

    def follow(cache: Cache, trip: RedisRoundTrip) -> None:
        if trip.lookups and not waiters:
            waiters.append(Running(lambda: gateway_for().call(call("member")).require().value))
            wait_until(lambda: requests_waiting() == 2)
            wait_until(lambda: upstream("member").waiters.waiting == 1)
        send(cache, trip)

    monkeypatch.setattr(Cache, "send", follow)
    gateway = gateway_for()
    gateway.count = count_of(limit=0)

    with pytest.raises(LimitExceededError):
        shown(gateway)

    assert waiters[0].result == "m"


def test_who_follows_a_call_that_a_kept_view_made_needless_gets_its_answer(
    both: list[RawUpstream], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown()
    default_cache().delete(call("member").key)
    kept_views.cache_clear()
    waiters: list[Running[Any]] = []
    send = Cache.send

    def follow(cache: Cache, trip: RedisRoundTrip) -> None:
        if trip.lookups and not waiters:
            waiters.append(Running(lambda: gateway_for().call(call("member")).require().value))
            wait_until(lambda: upstream("member").waiters.waiting == 1)
        send(cache, trip)

    monkeypatch.setattr(Cache, "send", follow)

    assert shown() == {"member": ("cached", "m"), "claims": ("cached", "c")}
    assert waiters[0].result == "m"
    assert counts(both) == [2, 1]


def test_one_who_is_likely_over_the_limit_is_counted_before_anything_is_looked_for(
    both: list[RawUpstream], trips: list[list[str]]
) -> None:
    gateway, refused = gateway_for(), gateway_for()
    gateway.count = count_of(likely_exceeds=True)
    refused.count = count_of(limit=0, likely_exceeds=True)

    assert shown(gateway) == {"member": ("fresh", "m"), "claims": ("fresh", "c")}
    assert trips[:2] == [["count"], ["read"]]
    trips.clear()
    with pytest.raises(LimitExceededError):
        shown(refused)
    assert trips == [["count"]]


def test_past_the_limit_a_view_that_another_process_has_kept_is_shown(
    both: list[RawUpstream], settings: Settings
) -> None:
    settings.ADMISSION_LIMIT = 1
    shown()
    kept_views.cache_clear()
    assert admission().try_enter()
    try:
        gateway = gateway_for()
        assert shown(gateway) == {"member": ("cached", "m"), "claims": ("cached", "c")}
        assert gateway.timings == []
        default_cache().delete(WHOLE)
        for service in CLASSES:
            default_cache().delete(call(service).key)
        with pytest.raises(GatewayOverloadedError):
            shown()
    finally:
        admission().leave()


def test_a_fill_that_others_follow_hears_whether_it_was_voided(both: list[RawUpstream]) -> None:
    """As another process voids it, whose invalidation only Redis hears of."""
    is_begun, goes_on = threading.Event(), threading.Event()

    def waits(wire: Wire, _: Asked) -> None:
        is_begun.set()
        assert goes_on.wait(20.0)
        wire.send(answer(b'{"value": "old"}'))

    both[0].say(waits)
    leader = Running(shown)
    assert is_begun.wait(20.0)
    follower = Running(lambda: gateway_for().call(call("member")).require().value)
    wait_until(lambda: upstream("member").waiters.waiting == 1)
    both[0].say(says_json({"value": "new"}))
    type(default_cache().invalidations)().invalidate(default_cache().circuit, ["member:m-1"])
    goes_on.set()

    assert leader.result["member"] == ("fresh", "old")
    assert follower.result == "new"


def test_one_without_a_place_is_shown_what_is_kept_and_nothing_is_asked_for_it(both: list[RawUpstream]) -> None:
    gateway = gateway_for()
    gateway.fan_out.is_crowded = True
    with pytest.raises(GatewayOverloadedError):
        shown(gateway)
    assert [len(each.asked) for each in both] == [0, 0]

    shown()
    gateway = gateway_for()
    gateway.fan_out.is_crowded = True
    assert shown(gateway) == {"member": ("cached", "m"), "claims": ("cached", "c")}
    assert [len(each.asked) for each in both] == [1, 1]
