"""What is shown of what was kept before: after an invalidation, when the upstream fails, when a fresh one is wanted."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from gateway_clients.caching.invalidation import Invalidations
from gateway_clients.caching.lookups import CacheLookup, LookupStatus
from gateway_clients.caching.store import default_cache, invalidations
from gateway_clients.errors import (
    UpstreamError,
    UpstreamServerError,
)
from gateway_clients.pipeline.outcome import SectionState
from tests.gateway_clients.wire.steps import (
    FAILED,
    GOOD,
    NEW,
    OLD,
    Gate,
    Upstreams,
    outcome_of,
    requests_waiting,
    state_of,
)
from tests.support.calls import (
    Running,
    call_of,
    key_of,
)
from tests.support.upstream import answer, hangs, says, says_json
from tests.support.waiting import wait_until


def invalidates_here() -> None:
    invalidations().invalidate(default_cache().circuit, ["member:m-1"])


def invalidates_elsewhere() -> None:
    """As another process does: only Redis hears of it."""
    Invalidations().invalidate(default_cache().circuit, ["member:m-1"])


@pytest.mark.parametrize("invalidate", [invalidates_here, invalidates_elsewhere])
def test_who_reads_after_an_invalidation_does_not_see_what_was_asked_before(
    upstreams: Upstreams, invalidate: Callable[[], None]
) -> None:
    gate = Gate("old", "new")
    (claims,) = upstreams(claims=gate)
    call = call_of(key=key_of())
    early = Running(lambda: outcome_of(call).value)
    wait_until(lambda: gate.begun == 1)

    invalidate()
    late = Running(lambda: outcome_of(call).value)
    wait_until(lambda: requests_waiting() == 2)
    gate.open(1)
    gate.open(0)

    assert (early.result, late.result) == (OLD, NEW)
    assert state_of(call) == (NEW, SectionState.CACHED)
    assert len(claims.asked) == 2


def test_a_stale_answer_that_was_voided_while_the_upstream_failed_is_not_shown(
    upstreams: Upstreams, settings: Settings
) -> None:
    settings.RETRY_BUDGET, settings.CACHE_TTL_SECONDS_CLAIMS = 0.0, 0.05
    gate = Gate("old", "fail", "fail")
    upstreams(claims=gate)
    call = call_of(key=key_of())
    gate.open(0)
    assert outcome_of(call).value == OLD
    wait_for_the_end_of(call)
    second = Running(lambda: state_of(call))
    wait_until(lambda: gate.begun == 2)

    invalidates_elsewhere()
    gate.open(1)

    assert isinstance(second.wait().error, UpstreamServerError)


def wait_for_the_end_of(call: Any) -> None:
    """Until a kept answer is no longer fresh; nobody is asked meanwhile."""
    wait_until(lambda: default_cache().read([CacheLookup(key=call.key)])[0].status is LookupStatus.MISS)


def test_when_the_upstream_is_down_the_last_good_answer_is_shown_with_its_age(
    upstreams: Upstreams, settings: Settings
) -> None:
    settings.RETRY_BUDGET, settings.CACHE_TTL_SECONDS_CLAIMS = 0.0, 0.3
    (claims,) = upstreams(claims=says_json({"value": "old"}))
    call = call_of(key=key_of())
    assert state_of(call) == (OLD, SectionState.FRESH)
    claims.say(says(FAILED))

    wait_until(lambda: outcome_of(call).state is SectionState.STALE)
    outcome = outcome_of(call)

    assert (outcome.value, outcome.state) == (OLD, SectionState.STALE)
    assert 0.3 * 0.9 <= outcome.age_seconds < 5.0


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "400 Bad Request"])
def test_a_refusal_is_not_papered_over_with_a_stale_answer(
    upstreams: Upstreams, settings: Settings, status: str
) -> None:
    settings.CACHE_TTL_SECONDS_CLAIMS = 0.05
    (claims,) = upstreams(claims=says_json({"value": "old"}))
    call = call_of(key=key_of())
    outcome_of(call)
    claims.say(says(answer(status=status)))

    def refused() -> bool:
        try:
            outcome_of(call)
        except UpstreamError as error:
            return error.was_sent
        return False

    wait_until(refused)


@pytest.mark.alone
def test_a_request_in_a_hurry_gets_the_stale_answer_at_its_deadline(upstreams: Upstreams, settings: Settings) -> None:
    settings.CACHE_TTL_SECONDS_CLAIMS = 0.05
    (claims,) = upstreams(claims=says_json({"value": "old"}))
    call = call_of(key=key_of())
    outcome_of(call)
    claims.say(hangs)

    wait_until(lambda: outcome_of(call, 0.2).state is SectionState.STALE)


def test_no_kept_answer_will_do_when_a_fresh_one_is_wanted(upstreams: Upstreams) -> None:
    (claims,) = upstreams(claims=says_json({"value": "old"}))
    call = call_of(key=key_of())
    outcome_of(call)
    claims.say(GOOD)

    assert state_of(call) == (OLD, SectionState.CACHED)
    assert state_of(call, is_fresh_wanted=True) == (NEW, SectionState.FRESH)
    assert state_of(call) == (NEW, SectionState.CACHED)
    assert len(claims.asked) == 2
