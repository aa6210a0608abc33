"""Those who wait for another's call: how many may, what they hold, and what their waiting says of the upstream."""

import time

import pytest
from pytest_django import Settings

from gateway_clients.caching.lookups import CacheLookup, LookupStatus
from gateway_clients.caching.store import default_cache
from gateway_clients.errors import GatewayOverloadedError, UpstreamCircuitOpenError, UpstreamError
from gateway_clients.pipeline.outcome import SectionState
from gateway_clients.pipeline.upstreams import admission, upstream
from tests.gateway_clients.wire.steps import GOOD, NEW, Gate, Upstreams, outcome_of, state_of
from tests.support.calls import Running, call_of, key_of
from tests.support.upstream import hangs, says_json
from tests.support.waiting import wait_until

READERS = 60


@pytest.mark.alone
def test_sixty_readers_of_one_key_that_hangs_leave_the_others_their_places(
    upstreams: Upstreams, settings: Settings
) -> None:
    settings.UPSTREAM_TIMEOUT_SECONDS, settings.ADMISSION_LIMIT = 2.0, 20
    (claims, _) = upstreams(claims=hangs, member=GOOD)
    call = call_of(key=key_of())
    leader = Running(lambda: outcome_of(call).value)
    wait_until(lambda: claims.running == 1)
    readers = [Running(lambda: outcome_of(call).value) for _ in range(READERS)]
    wait_until(lambda: sum(each.is_over for each in readers) >= READERS - 20)

    assert admission().waiting == 1
    others = [Running(lambda: outcome_of(call_of("member")).value).wait() for _ in range(20)]

    assert [each.result for each in others] == [NEW] * 20
    shed = [each for each in readers if isinstance(each.wait().error, GatewayOverloadedError)]
    assert len(shed) == READERS - 20
    assert max(each.seconds for each in shed) < 0.5
    assert isinstance(leader.wait().error, UpstreamError)
    assert (admission().waiting, upstream("claims").waiters.waiting) == (0, 0)


@pytest.mark.alone
def test_what_followers_waited_opens_the_breaker_as_if_each_had_asked(upstreams: Upstreams, settings: Settings) -> None:
    settings.UPSTREAM_TIMEOUT_SECONDS, settings.RETRY_BUDGET = 0.6, 0.0
    settings.BREAKER_SLOW_SECONDS = 0.5
    (claims,) = upstreams(claims=hangs)
    call = call_of(key=key_of())
    began_at = time.monotonic()
    leader = Running(lambda: outcome_of(call).value)
    wait_until(lambda: claims.running == 1)
    waiters = [Running(lambda: outcome_of(call).value) for _ in range(5)]
    for each in (leader, *waiters):
        each.wait()
    wait_until(lambda: upstream("claims").breaker.current_state == "open", seconds=1)

    assert time.monotonic() - began_at < 2.5
    with pytest.raises(UpstreamCircuitOpenError):
        outcome_of(call)
    assert len(claims.asked) <= 2


def test_followers_of_a_call_that_is_answered_witness_nothing(upstreams: Upstreams, settings: Settings) -> None:
    settings.BREAKER_SLOW_SECONDS = 0.05
    settings.BREAKER_FAILURES = 1
    gate = Gate("new")
    upstreams(claims=gate)
    call = call_of(key=key_of())
    leader = Running(lambda: outcome_of(call).value)
    wait_until(lambda: gate.begun)
    waiters = [Running(lambda: outcome_of(call).value) for _ in range(3)]
    wait_until(lambda: upstream("claims").waiters.waiting == 3)
    gate.open(0)

    assert [each.result for each in (leader, *waiters)] == [NEW] * 4
    assert upstream("claims").breaker.current_state == "closed"


@pytest.mark.alone
def test_who_may_not_wait_gets_the_last_good_answer_where_there_is_one(
    upstreams: Upstreams, settings: Settings
) -> None:
    settings.CACHE_TTL_SECONDS_CLAIMS, settings.ADMISSION_LIMIT = 0.05, 4
    settings.UPSTREAM_TIMEOUT_SECONDS, settings.RETRY_BUDGET, settings.BREAKER_FAILURES = 1.0, 0.0, 100
    (claims,) = upstreams(claims=says_json({"value": "new"}))
    key = key_of()
    call = call_of(key=key)
    outcome_of(call)
    claims.say(hangs)
    wait_until(lambda: default_cache().read([CacheLookup(key=key)])[0].status is not LookupStatus.HIT)
    assert state_of(call) == (NEW, SectionState.STALE)
    assert upstream("claims").breaker.is_hanging
    asked = len(claims.asked)
    leader = Running(lambda: state_of(call))
    wait_until(lambda: len(claims.asked) > asked)
    first = Running(lambda: state_of(call))
    wait_until(lambda: upstream("claims").waiters.waiting == 1)
    beyond = [Running(lambda: state_of(call)).wait() for _ in range(2)]

    assert [each.result for each in beyond] == [(NEW, SectionState.STALE)] * 2
    assert beyond[1].seconds < 0.3
    assert [each.wait().result for each in (leader, first)] == [(NEW, SectionState.STALE)] * 2
