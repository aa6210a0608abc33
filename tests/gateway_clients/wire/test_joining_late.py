"""Who joins a read whose last question is on its way already: what changed before they asked is never missing."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from pytest_django import Settings

from gateway_clients.caching.invalidation import Invalidations
from gateway_clients.caching.round_trip import RedisRoundTrip
from gateway_clients.caching.store import Cache, default_cache
from gateway_clients.errors import DeadlineExceededError, UpstreamNotFoundError
from gateway_clients.gateway import Rendition
from gateway_clients.gateway.recent_keys import kept_views
from gateway_clients.pipeline.outcome import SectionState
from gateway_clients.redis_access.circuit import RedisCircuit, default_connection
from gateway_clients.redis_access.script import ScriptCall
from tests.gateway_clients.wire.steps import NEW, OLD, Gate, Upstreams, outcome_of, requests_waiting, state_of
from tests.gateway_clients.wire.views import ALL, VIEW, drop_sections, shown, values
from tests.support.calls import Running, cache_that_is_down, call_of, gateway_for, key_of
from tests.support.upstream import RawUpstream, answer, hangs, says, says_json
from tests.support.waiting import wait_until


class HeldCache(Cache):
    """Redis has answered the first look (or store), but the thread that asked does not run on before `go_on`."""

    def __init__(self, held: str, *, is_answer_lost: bool = False) -> None:
        super().__init__(default_cache().circuit)
        self._held = held
        self._is_answer_lost = is_answer_lost
        self._may_go_on = threading.Event()
        self.has_answer = False

    def go_on(self) -> None:
        self._may_go_on.set()

    def send(self, trip: RedisRoundTrip) -> None:
        super().send(trip)
        if trip.writes and self._is_answer_lost and not self.has_answer:
            trip.are_valid = [None for _ in trip.writes]
        self._hold("look" if trip.lookups else "store")

    def _hold(self, kind: str) -> None:
        if kind == self._held and not self.has_answer:
            self.has_answer = True
            assert self._may_go_on.wait(20.0)


def invalidates_elsewhere() -> None:
    """As another process does: only Redis hears of it."""
    Invalidations().invalidate(default_cache().circuit, ["member:m-1"])


def joined(run: Callable[[], Any]) -> Running[Any]:
    """A second request, once it waits beside the first."""
    running = Running(run)
    wait_until(lambda: requests_waiting() == 2)
    return running


@pytest.mark.parametrize("held", ["look", "store"])
def test_a_change_between_the_leaders_last_question_and_its_end_is_seen_by_who_joins_after_it(
    upstreams: Upstreams, held: str
) -> None:
    (claims,) = upstreams(claims=says_json({"value": "old"}))
    call = call_of(key=key_of())
    if held == "look":
        outcome_of(call)
    cache = HeldCache(held)
    leader = Running(lambda: outcome_of(call, cache=cache).value)
    wait_until(lambda: cache.has_answer)
    claims.say(says_json({"value": "new"}))

    invalidates_elsewhere()
    late = joined(lambda: outcome_of(call).value)
    cache.go_on()

    assert (leader.result, late.result) == (OLD, NEW)
    assert state_of(call) == (NEW, SectionState.CACHED)
    assert len(claims.asked) == 2


def test_a_404_of_before_a_change_is_not_shown_to_who_joins_after_it(upstreams: Upstreams) -> None:
    (claims,) = upstreams(claims=says(answer(status="404 Not Found")))
    call = call_of(key=key_of())
    cache = HeldCache("store")
    leader = Running(lambda: outcome_of(call, cache=cache))
    wait_until(lambda: cache.has_answer)
    claims.say(says_json({"value": "new"}))

    invalidates_elsewhere()
    late = joined(lambda: outcome_of(call).value)
    cache.go_on()

    assert isinstance(leader.wait().error, UpstreamNotFoundError)
    assert late.result == NEW


def test_when_nobody_knows_whether_a_fill_was_voided_who_joined_it_asks_anew(upstreams: Upstreams) -> None:
    gate = Gate("old", "new")
    (claims,) = upstreams(claims=gate)
    call = call_of(key=key_of())
    cache = HeldCache("store", is_answer_lost=True)
    leader = Running(lambda: outcome_of(call, cache=cache).value)
    wait_until(lambda: gate.begun)

    invalidates_elsewhere()
    late = joined(lambda: outcome_of(call).value)
    gate.open(0)
    gate.open(1)
    cache.go_on()

    assert (leader.result, late.result) == (OLD, NEW)
    assert len(claims.asked) == 2


def test_who_joins_before_the_last_question_is_sent_shares_its_answer(upstreams: Upstreams) -> None:
    gate = Gate("new")
    (claims,) = upstreams(claims=gate)
    call = call_of(key=key_of())
    leader = Running(lambda: outcome_of(call).value)
    wait_until(lambda: gate.begun)

    follower = joined(lambda: outcome_of(call).value)
    gate.open(0)

    assert (leader.result, follower.result) == (NEW, NEW)
    assert len(claims.asked) == 1


def test_a_fill_that_began_without_redis_is_not_shared_with_who_can_ask_redis(upstreams: Upstreams) -> None:
    gate = Gate("old", "new")
    (claims,) = upstreams(claims=gate)
    call = call_of(key=key_of())
    leader = Running(lambda: outcome_of(call, cache=cache_that_is_down()).value)
    wait_until(lambda: gate.begun)

    invalidates_elsewhere()
    late = joined(lambda: outcome_of(call).value)
    gate.open(0)
    gate.open(1)

    assert (leader.result, late.result) == (OLD, NEW)
    assert len(claims.asked) == 2


SHOUTED = Rendition(name="shouted", render=lambda _subject, _section, value: msgspec.Raw(bytes(value).upper()))
#: What of the view is asked for, and what is seen of it when `its_claims` says "new".
SHOWN: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "whole": ({}, ALL | {"its_claims": "new"}),
    "part": ({"sections": ["its_claims", "its_policy"]}, {"its_claims": "new", "its_policy": "p"}),
    "rendition": ({"rendition": SHOUTED}, {"its_member": "M", "its_claims": "NEW", "its_policy": "P"}),
}


@pytest.mark.parametrize("held", ["look", "store"])
@pytest.mark.parametrize(("options", "expected"), SHOWN.values(), ids=SHOWN)
def test_a_view_that_joins_late_shows_and_keeps_nothing_of_before_the_change(
    three: list[RawUpstream], settings: Settings, options: dict[str, Any], expected: dict[str, str], held: str
) -> None:
    claims = three[1]
    call = VIEW.sections[1].call(gateway_for(), "m-1")
    if held == "look":
        outcome_of(call)
    cache = HeldCache(held)
    leader = Running(lambda: outcome_of(call, cache=cache).value.value)
    wait_until(lambda: cache.has_answer)
    claims.say(says_json({"value": "new"}))

    def seen() -> dict[str, Any]:
        return values(dict(gateway_for().view(VIEW, "m-1", **options).sections()))

    invalidates_elsewhere()
    late = joined(seen)
    cache.go_on()

    assert (leader.result, late.result) == ("c", expected)
    drop_sections(settings)
    assert seen() == expected


class Late:
    """The first to come waits until the test lets it go on."""

    def __init__(self) -> None:
        self._may_go_on = threading.Event()
        self.has_come = False

    def go_on(self) -> None:
        self._may_go_on.set()

    def wait(self) -> None:
        if not self.has_come:
            self.has_come = True
            assert self._may_go_on.wait(20.0)


class LateCache(Cache):
    """The first look is begun late."""

    def __init__(self) -> None:
        super().__init__(default_cache().circuit)
        self.late = Late()

    def send(self, trip: RedisRoundTrip) -> None:
        self.late.wait()
        super().send(trip)


class SlowGuard(RedisCircuit):
    """The first question gets to Redis late."""

    def __init__(self) -> None:
        super().__init__(default_connection)
        self.late = Late()

    def scripts(self, calls: Sequence[ScriptCall]) -> list[Any]:
        self.late.wait()
        return super().scripts(calls)


@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "asked for"])
@pytest.mark.parametrize(("options", "expected"), SHOWN.values(), ids=SHOWN)
def test_a_view_is_not_kept_with_a_section_that_was_found_before_its_own_look_got_to_redis(
    three: list[RawUpstream], settings: Settings, options: dict[str, Any], expected: dict[str, str], *, is_kept: bool
) -> None:
    """The section is of before the change then, and the versions that the view would be kept under of after it."""
    claims, call = three[1], VIEW.sections[1].call(gateway_for(), "m-1")
    if is_kept:
        outcome_of(call)
    kept_views.cache_clear()
    cache, circuit = LateCache(), SlowGuard()
    leader = Running(lambda: outcome_of(call, cache=cache).value.value)
    wait_until(lambda: cache.late.has_come)

    def seen(**by: Any) -> dict[str, Any]:
        return values(dict(gateway_for(**by).view(VIEW, "m-1", **options).sections()))

    early = Running(lambda: seen(cache=Cache(circuit)))
    wait_until(lambda: circuit.late.has_come)
    cache.late.go_on()
    assert leader.result == "c"
    claims.say(says_json({"value": "new"}))
    invalidates_elsewhere()
    circuit.late.go_on()

    # It asked before the change was told of, and may be shown what was before.
    assert early.result | {"its_claims": expected["its_claims"]} == expected
    drop_sections(settings)
    assert seen() == expected


def test_a_view_is_not_kept_with_a_section_that_its_request_had_before_the_change(
    three: list[RawUpstream], settings: Settings
) -> None:
    gateway = gateway_for()
    gateway.merge_reads()
    early = gateway.call(VIEW.sections[1].call(gateway, "m-1"))
    early.require()
    three[1].say(says_json({"value": "new"}))

    invalidates_elsewhere()

    assert values(dict(gateway.view(VIEW, "m-1").sections())) == ALL
    assert values(shown()) == ALL | {"its_claims": "new"}


def test_a_hurried_follower_is_not_shown_a_last_good_answer_that_was_dropped_meanwhile(
    upstreams: Upstreams, settings: Settings
) -> None:
    settings.CACHE_TTL_SECONDS_CLAIMS = 0.05
    (claims,) = upstreams(claims=says_json({"value": "old"}))
    call = call_of(key=key_of())
    outcome_of(call)
    claims.say(hangs)
    wait_until(lambda: outcome_of(call, 0.15).state is SectionState.STALE)
    wait_until(lambda: requests_waiting() == 1)

    invalidates_elsewhere()
    late = Running(lambda: outcome_of(call, 0.15)).wait()

    assert isinstance(late.error, DeadlineExceededError)
    claims.close()


def test_a_hurried_follower_is_shown_the_last_good_answer_that_still_holds(
    upstreams: Upstreams, settings: Settings
) -> None:
    settings.CACHE_TTL_SECONDS_CLAIMS = 0.05
    (claims,) = upstreams(claims=says_json({"value": "old"}))
    call = call_of(key=key_of())
    outcome_of(call)
    claims.say(hangs)
    wait_until(lambda: outcome_of(call, 0.15).state is SectionState.STALE)
    wait_until(lambda: requests_waiting() == 1)

    assert state_of(call, seconds=0.15) == (OLD, SectionState.STALE)
    claims.close()
