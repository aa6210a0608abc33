"""Calls side by side: what they share, how long they wait, what is shed."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings
from requests.adapters import HTTPAdapter

from gateway_clients.caching.lookups import CacheLookup, LookupStatus
from gateway_clients.caching.store import default_cache
from gateway_clients.conf import DataClass
from gateway_clients.errors import (
    DeadlineExceededError,
    GatewayOverloadedError,
    UpstreamConnectionError,
    UpstreamError,
    UpstreamServerError,
)
from gateway_clients.pipeline.background import single_flight
from gateway_clients.pipeline.cached_read import lookup_for
from gateway_clients.pipeline.outcome import SectionState
from gateway_clients.pipeline.section import Section
from gateway_clients.pipeline.upstreams import admission, upstream
from gateway_clients.services.payload_parser import page
from tests.gateway_clients.wire.steps import FAILED, FIVE, GOOD, NEW, SLOW, Gate, Upstreams, outcome_of, state_of
from tests.support.calls import (
    Running,
    ThingPayload,
    at_once,
    cache_that_is_down,
    call_of,
    gateway_for,
    key_of,
    write_of,
)
from tests.support.upstream import Script, answer, hangs, says, says_json
from tests.support.waiting import wait_until


@pytest.mark.alone
def test_five_services_take_as_long_as_the_slowest(upstreams: Upstreams) -> None:
    upstreams(**dict.fromkeys(FIVE, SLOW))
    gateway = gateway_for()
    started_at = time.monotonic()

    pendings = [gateway.call(call_of(name, key=key_of(name))) for name in FIVE]
    values = [pending.require() for pending in pendings]

    assert 0.19 <= time.monotonic() - started_at < 0.6
    assert values == [NEW] * 5


@pytest.mark.alone
def test_two_requests_do_not_wait_for_each_other(upstreams: Upstreams) -> None:
    upstreams(**dict.fromkeys(FIVE, SLOW))

    def ask() -> None:
        gateway = gateway_for()
        for pending in [gateway.call(call_of(name)) for name in FIVE]:
            assert pending.require() == NEW

    both = at_once(2, ask)

    assert [each.error for each in both] == [None, None]
    assert max(each.seconds for each in both) < 0.8


@pytest.mark.alone
def test_one_that_hangs_costs_itself_and_the_others_are_timed_as_fast_as_they_were(
    upstreams: Upstreams, settings: Settings
) -> None:
    settings.UPSTREAM_TIMEOUT_SECONDS = 0.8
    upstreams(claims=hangs, member=GOOD, policy=SLOW)
    gateway = gateway_for()
    hanging, *others = [gateway.call(call_of(name, key=key_of(name))) for name in ("claims", "member", "policy")]

    assert [pending.require() for pending in others] == [NEW, NEW]
    with pytest.raises(UpstreamError):
        hanging.require()

    timings = {timing.service: timing for timing in gateway.timings}
    assert timings["member"].milliseconds < 300
    assert 190 <= timings["policy"].milliseconds < 600
    assert 790 <= timings["claims"].milliseconds < 2_000
    assert {name: timing.state for name, timing in timings.items()} == {
        "claims": "upstream_timeout",
        "member": "fresh",
        "policy": "fresh",
    }


@pytest.mark.alone
@pytest.mark.parametrize(
    "script", [hangs, lambda wire, _: wire.drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 999, seconds=0.02)]
)
def test_a_request_ends_at_its_deadline_whatever_the_upstream_does(upstreams: Upstreams, script: Script) -> None:
    upstreams(claims=script, member=script)
    started_at = time.monotonic()
    gateway = gateway_for(0.5)
    pendings = [gateway.call(call_of("claims", key=key_of())), gateway.call(call_of("member"))]

    for pending in pendings:
        with pytest.raises(UpstreamError) as caught:
            pending.require()
        assert caught.value.status == 504

    assert time.monotonic() - started_at < 1.0


@pytest.mark.alone
def test_a_short_budget_ends_in_time_while_the_fill_goes_on(upstreams: Upstreams) -> None:
    (claims,) = upstreams(claims=says_json({"value": "new"}, after_seconds=0.5))
    call = call_of(key=key_of())
    hurried = Running(lambda: outcome_of(call, 0.1)).wait()

    assert isinstance(hurried.error, DeadlineExceededError)
    assert hurried.seconds < 0.45
    wait_until(lambda: single_flight().under_way() == 0)
    assert state_of(call) == (NEW, SectionState.CACHED)
    assert len(claims.asked) == 1
    assert admission().waiting == 0


@pytest.mark.parametrize("is_redis_down", [False, True])
def test_fifty_readers_of_a_cold_key_are_one_call(
    upstreams: Upstreams, settings: Settings, is_redis_down: bool
) -> None:
    settings.ADMISSION_LIMIT = 100
    (claims,) = upstreams(claims=says_json({"value": "new"}, after_seconds=0.4))
    options = {"cache": cache_that_is_down()} if is_redis_down else {}
    call = call_of(key=key_of())

    readers = at_once(50, lambda: outcome_of(call, **options).value)

    assert [each.error for each in readers] == [None] * 50
    assert {each.result for each in readers} == {NEW}
    assert len(claims.asked) == 1


def test_without_redis_reads_go_upstream_each_time(upstreams: Upstreams) -> None:
    (claims,) = upstreams(claims=GOOD)
    cache = cache_that_is_down()

    states = [state_of(call_of(key=key_of()), cache=cache) for _ in range(3)]

    assert states == [(NEW, SectionState.FRESH)] * 3
    assert len(claims.asked) == 3


def test_a_leader_without_time_does_not_fail_those_who_have_it(upstreams: Upstreams) -> None:
    gate = Gate("new")
    (claims,) = upstreams(claims=gate)
    call = call_of(key=key_of())
    leader = Running(lambda: outcome_of(call, 0.2))
    wait_until(lambda: gate.begun)
    waiters = [Running(lambda: outcome_of(call).value) for _ in range(5)]

    assert isinstance(leader.wait().error, DeadlineExceededError)
    gate.open(0)

    assert [each.result for each in waiters] == [NEW] * 5
    assert len(claims.asked) == 1


def test_a_fill_whose_process_died_holds_nobody_up_to_the_end(upstreams: Upstreams) -> None:
    (claims,) = upstreams(claims=says_json({"value": "new"}))
    call = call_of(key=key_of())
    (dead,) = default_cache().read([CacheLookup(key=key_of(), lease_seconds=60)])
    assert dead.status is LookupStatus.LEASED

    readers = at_once(5, lambda: outcome_of(call).value)

    assert [each.result for each in readers] == [NEW] * 5
    assert len(claims.asked) == 1


def test_a_follower_without_time_goes_and_the_others_get_their_answer(upstreams: Upstreams) -> None:
    gate = Gate("new")
    (claims,) = upstreams(claims=gate)
    call = call_of(key=key_of())
    leader = Running(lambda: outcome_of(call).value)
    wait_until(lambda: gate.begun)

    hurried = Running(lambda: outcome_of(call, 0.15)).wait()
    gate.open(0)

    assert isinstance(hurried.error, DeadlineExceededError)
    assert leader.result == NEW
    assert len(claims.asked) == 1


def test_a_fill_that_failed_fails_its_leader_alone(upstreams: Upstreams, settings: Settings) -> None:
    settings.RETRY_BUDGET, settings.ADMISSION_LIMIT = 0.0, 100
    gate = Gate("fail", "new")
    (claims,) = upstreams(claims=gate)
    call = call_of(key=key_of())
    leader = Running(lambda: outcome_of(call).value)
    wait_until(lambda: gate.begun)
    waiters = [Running(lambda: outcome_of(call).value) for _ in range(20)]
    wait_until(lambda: upstream("claims").waiters.waiting == 20)

    gate.open(0)
    gate.open(1)

    assert isinstance(leader.wait().error, UpstreamServerError)
    assert [each.result for each in waiters] == [NEW] * 20
    assert len(claims.asked) == 2


def test_when_every_fill_fails_the_upstream_is_not_asked_by_each(upstreams: Upstreams, settings: Settings) -> None:
    settings.RETRY_BUDGET, settings.ADMISSION_LIMIT = 0.0, 100
    settings.BREAKER_FAILURES = 100
    (claims,) = upstreams(claims=lambda wire, _: (wire.pause(0.2), wire.send(FAILED)))
    call = call_of(key=key_of())

    readers = at_once(30, lambda: outcome_of(call).value)

    assert {type(each.error) for each in readers} == {UpstreamServerError}
    assert len(claims.asked) <= 6


@pytest.mark.alone
def test_past_the_limit_requests_are_shed_at_once_and_what_is_kept_still_answers(
    upstreams: Upstreams, settings: Settings
) -> None:
    settings.ADMISSION_LIMIT = 3
    (claims, _) = upstreams(claims=hangs, member=GOOD)
    kept = call_of("member", key=key_of())
    outcome_of(kept)
    waiting = [Running(lambda: outcome_of(call_of(), 1.5)) for _ in range(3)]
    wait_until(lambda: claims.running == 3)

    shed = Running(lambda: outcome_of(call_of("member"))).wait()
    answered = Running(lambda: state_of(kept)).wait()

    assert isinstance(shed.error, GatewayOverloadedError)
    assert shed.seconds < 0.05 * 4
    assert answered.result == (NEW, SectionState.CACHED)
    assert answered.seconds < 0.05 * 4
    assert all(isinstance(each.wait().error, UpstreamError) for each in waiting)
    assert admission().waiting == 0


def test_sections_say_how_they_came_about(upstreams: Upstreams, settings: Settings) -> None:
    settings.RETRY_BUDGET, settings.CACHE_TTL_SECONDS_CLAIMS = 0.0, 0.05
    (claims, *_) = upstreams(claims=says_json({"value": "old"}), member=GOOD, policy=says(FAILED), document=GOOD)
    stale = call_of("claims", key=key_of())
    cached = call_of("document", key=key_of(data_class=DataClass.DOCUMENTS))
    outcome_of(stale)
    outcome_of(cached)
    claims.say(says(FAILED))
    wait_until(lambda: outcome_of(stale).state is SectionState.STALE)
    gateway = gateway_for()
    pendings = {
        "fresh": gateway.call(call_of("member")),
        "cached": gateway.call(cached),
        "stale": gateway.call(stale),
        "fallback": gateway.call(call_of("policy")),
        "unavailable": gateway.call(call_of("policy", key=key_of("policy"))),
    }

    sections: dict[str, Section[str]] = {
        name: pending.section(
            lambda thing: thing.value.upper(), fallback=(lambda: "instead") if name == "fallback" else None
        )
        for name, pending in pendings.items()
    }

    assert {name: (str(section.state), section.value, section.error) for name, section in sections.items()} == {
        "fresh": ("fresh", "NEW", None),
        "cached": ("cached", "NEW", None),
        "stale": ("stale", "OLD", "upstream_unavailable"),
        "fallback": ("fallback", "instead", "upstream_unavailable"),
        "unavailable": ("unavailable", None, "upstream_unavailable"),
    }
    assert sections["stale"].age_seconds > 0
    assert sections["fresh"].age_seconds == 0


def test_a_section_without_a_subject_is_complete_and_empty(upstreams: Upstreams) -> None:
    upstreams(claims=says(answer(status="404 Not Found")))

    section = gateway_for().call(call_of(key=key_of())).section(lambda thing: thing.value)

    assert section == Section(None, SectionState.FRESH)


def test_a_section_says_how_many_items_could_not_be_read(upstreams: Upstreams) -> None:
    upstreams(claims=says_json({"items": [{"value": "a"}, "b"], "total": 2}))
    parse = page(ThingPayload)
    call = call_of(parse=parse, payload_type=parse.payload_type, key=key_of())

    omitted = [gateway_for().call(call).section(lambda found: len(found.items)).omitted for _ in range(2)]

    assert omitted == [1, 1]


@pytest.mark.alone
def test_writes_go_beside_the_other_calls_of_their_request(upstreams: Upstreams) -> None:
    upstreams(claims=SLOW, member=SLOW, notification=SLOW)
    gateway = gateway_for(10.0)
    pendings = [gateway.call(each) for each in (write_of("claims"), write_of("notification"), call_of("member"))]
    started_at = time.monotonic()

    assert [pending.require() for pending in pendings] == [NEW] * 3
    assert time.monotonic() - started_at < 0.38


@pytest.mark.parametrize(
    "where",
    [
        "pipeline.led_read.LedRead.settle_from_cache",
        "pipeline.led_read.LedRead.fill",
        "pipeline.event_loop.EventLoop.ask",
        "transport.multiplexed.multiplexer.Multiplexer.wait",
    ],
)
def test_a_failure_of_the_gateway_itself_leaves_nobody_waiting(
    upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    upstreams(claims=GOOD)
    call = call_of(key=key_of())
    with monkeypatch.context() as patch:
        patch.setattr(f"gateway_clients.{where}", broken)
        with pytest.raises(ZeroDivisionError):
            outcome_of(call)

    assert single_flight().under_way() == 0
    assert admission().waiting == 0
    (found,) = default_cache().read([lookup_for(call.key, 3.0, is_fresh_wanted=False)])
    assert found.status is LookupStatus.LEASED
    default_cache().release([found])
    assert outcome_of(call).value == NEW


def broken(*_: object) -> None:
    raise ZeroDivisionError


def test_an_upstream_that_nobody_knows_is_a_bug_and_leaves_nobody_waiting() -> None:
    with pytest.raises(KeyError):
        outcome_of(call_of("no such", key=key_of()))

    assert single_flight().under_way() == 0


def test_a_refused_upstream_costs_no_time(upstreams: Upstreams, settings: Settings) -> None:
    settings.RETRY_BUDGET = 0.0

    with pytest.raises(UpstreamConnectionError):
        outcome_of(call_of(key=key_of()))


@pytest.mark.alone
def test_a_write_that_the_threads_did_not_come_to_in_time_is_not_begun_any_more(
    upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    (claims, _) = upstreams(claims=GOOD, member=GOOD)
    is_over = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as busy:
        busy.submit(is_over.wait, 20.0)
        client = upstream("claims").client
        client.session.mount("http://", HTTPAdapter())
        monkeypatch.setattr(client, "_threads", busy)
        gateway = gateway_for(0.5)
        write, read = gateway.call(write_of()), gateway.call(call_of("member"))
        started_at = time.monotonic()

        with pytest.raises(DeadlineExceededError) as caught:
            write.require()

        assert time.monotonic() - started_at < 1.0
        is_over.set()
    assert read.require() == NEW
    assert (caught.value.was_sent, claims.asked) == (False, [])
