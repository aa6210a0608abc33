"""Entries just past their time: who is answered with them, and that they are asked for anew behind the answer."""

from typing import Any

import pytest
from pytest_django import Settings

from gateway_clients.caching.lookups import CacheLookup, LookupStatus
from gateway_clients.caching.recent_writers import note_writer
from gateway_clients.caching.store import default_cache
from gateway_clients.conf import DataClass
from gateway_clients.edge.output.responses import cache_status_of
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline.background import single_flight
from gateway_clients.pipeline.cached_read import lookup_for
from gateway_clients.pipeline.joined_read import JoinedRead
from gateway_clients.pipeline.outcome import Freshness, Outcome, SectionState
from gateway_clients.pipeline.revalidation import renewals
from gateway_clients.pipeline.upstreams import admission, upstream
from gateway_clients.resilience.deadline import Deadline
from tests.gateway_clients.wire.steps import FAILED, NEW, OLD, Gate, Upstreams
from tests.gateway_clients.wire.test_stale import invalidates_elsewhere, wait_for_the_end_of
from tests.gateway_clients.wire.views import VIEW, is_kept
from tests.support.calls import ThingPayload, call_of, key_of, write_of
from tests.support.upstream import RawUpstream, says, says_json
from tests.support.waiting import wait_until

CALL = call_of("member", key=key_of(data_class=DataClass.MEMBER))


@pytest.fixture(autouse=True)
def lives(settings: Settings) -> None:
    settings.RETRY_BUDGET = 0.0
    settings.CACHE_TTL_SECONDS_MEMBER = 0.05


def a_gateway(account_id: str = "a-1", **options: Any) -> Gateway:
    """The clients of a member's request."""
    fields: dict[str, Any] = {"may_revalidate": True, "on_behalf_of": account_id} | options
    return Gateway(request_id="r-1", deadline=Deadline.after(3.0), **fields)


def read(account_id: str = "a-1", call: Any = CALL, **options: Any) -> Outcome[ThingPayload]:
    outcome: Outcome[ThingPayload] = a_gateway(account_id, **options).call(call).outcome()
    return outcome


def shown(account_id: str = "a-1", **options: Any) -> tuple[ThingPayload, SectionState, bool]:
    outcome = read(account_id, **options)
    return outcome.value, outcome.state, outcome.is_expired


def expired(upstreams: Upstreams, *values: str) -> tuple[Gate, RawUpstream]:
    """An upstream whose first answer is kept, and past its time."""
    gate = Gate("old", *values)
    (member,) = upstreams(member=gate)
    gate.open(0)
    assert shown() == (OLD, SectionState.FRESH, False)
    wait_for_the_end_of(CALL)
    return gate, member


def test_what_is_just_past_its_time_answers_while_one_asks_for_it_anew(
    upstreams: Upstreams, settings: Settings
) -> None:
    gate, member = expired(upstreams, "new")

    first = read()
    wait_until(lambda: gate.begun == 2)
    others = [shown() for _ in range(5)]
    asked = len(member.asked)
    gate.open(1)
    wait_until(lambda: single_flight().under_way() == 0)
    settings.CACHE_TTL_SECONDS_MEMBER = 60.0

    assert (first.value, first.state) == (OLD, SectionState.CACHED)
    assert first.ttl_seconds is not None
    assert -1.0 < first.ttl_seconds <= 0.0
    assert first.age_seconds >= 0.045
    assert others == [(OLD, SectionState.CACHED, True)] * 5
    assert asked == 2
    assert read().value == NEW
    wait_until(lambda: renewals().waiting == admission().waiting == 0)


def test_who_finds_another_process_at_it_answers_too_and_asks_nobody(upstreams: Upstreams) -> None:
    _, member = expired(upstreams)
    (elsewhere,) = default_cache().read([lookup_for(CALL.key, 3.0, is_fresh_wanted=False)])
    assert elsewhere.status is LookupStatus.LEASED

    assert shown() == (OLD, SectionState.CACHED, True)
    assert (len(member.asked), single_flight().under_way()) == (1, 0)


def test_what_was_dropped_is_not_shown_once_more(upstreams: Upstreams) -> None:
    gate, _ = expired(upstreams, "new")
    gate.open(1)

    invalidates_elsewhere()

    assert shown() == (NEW, SectionState.FRESH, False)


def test_what_is_dropped_while_it_is_asked_for_anew_is_neither_shown_nor_kept(upstreams: Upstreams) -> None:
    gate, member = expired(upstreams, "old", "new")
    assert shown() == (OLD, SectionState.CACHED, True)
    wait_until(lambda: gate.begun == 2)

    invalidates_elsewhere()
    gate.open(1)
    gate.open(2)
    late = shown()
    wait_until(lambda: single_flight().under_way() == 0)

    assert late == (NEW, SectionState.FRESH, False)
    assert read().value == NEW
    assert len(member.asked) >= 3


@pytest.mark.parametrize(
    "options",
    [{"may_revalidate": False}, {"is_fresh_wanted": True}, {"is_reserved": True}, {"on_behalf_of": None}],
    ids=["a provider", "no-cache", "a write", "nobody"],
)
def test_to_some_it_is_never_shown(upstreams: Upstreams, options: dict[str, Any]) -> None:
    gate, _ = expired(upstreams, "new")
    gate.open(1)

    assert shown(**options) == (NEW, SectionState.FRESH, False)


@pytest.mark.parametrize("seconds", [0.0, 0.001], ids=["a class that does not allow it", "too long past it"])
def test_the_class_says_for_how_long(upstreams: Upstreams, settings: Settings, seconds: float) -> None:
    settings.CACHE_REVALIDATE_SECONDS_MEMBER = seconds
    gate, _ = expired(upstreams, "new")
    gate.open(1)

    assert shown() == (NEW, SectionState.FRESH, False)


def test_it_is_not_shown_to_an_account_that_has_just_written(upstreams: Upstreams) -> None:
    (claims,) = upstreams(claims=says_json({"value": "written"}))
    a_gateway("a-2").call(write_of()).require()
    assert len(claims.asked) == 1
    gate, _ = expired(upstreams, "new")

    assert shown("a-1") == (OLD, SectionState.CACHED, True)
    wait_until(lambda: gate.begun == 2)
    gate.open(1)
    assert shown("a-2")[0] == NEW


def test_who_has_just_written_does_not_take_it_from_another_request(upstreams: Upstreams) -> None:
    expired(upstreams)
    note_writer(default_cache().circuit, "a-2")
    found = Outcome(OLD, SectionState.CACHED, true_at=1e12, ttl_seconds=-0.1)

    for account_id, is_taken in (("a-1", True), ("a-2", False)):
        ((shared_read, _),) = single_flight().join([(account_id, ())])
        single_flight().complete(shared_read, found)
        gateway = a_gateway(account_id)
        pending = gateway.call(CALL)
        joined = JoinedRead(gateway.fan_out, pending, shared_read, is_leader=False)
        assert joined.complete(is_last=False) is is_taken
        assert pending.is_settled is is_taken


def test_so_many_are_asked_for_anew_at_a_time(upstreams: Upstreams, settings: Settings) -> None:
    settings.ADMISSION_LIMIT = 8
    calls = [call_of("member", key=key_of(name, data_class=DataClass.MEMBER)) for name in ("one", "two")]
    (member,) = upstreams(member=says_json({"value": "old"}))
    for call in calls:
        assert read(call=call).value == OLD
        wait_for_the_end_of(call)
    gate = Gate("new")
    member.say(gate)

    states = [read(call=call).state for call in calls]
    wait_until(lambda: gate.begun == 1)
    (second,) = default_cache().read([CacheLookup(key=calls[1].key, lease_seconds=1.0)])

    assert states == [SectionState.CACHED, SectionState.CACHED]
    assert renewals().waiting == 1
    assert second.status is LookupStatus.LEASED
    default_cache().release([second])
    gate.open(0)
    wait_until(lambda: renewals().waiting == admission().waiting == 0)
    assert len(member.asked) == 3


def test_the_breaker_holds_and_a_failure_gives_the_lease_back(upstreams: Upstreams) -> None:
    _, member = expired(upstreams)
    member.say(says(FAILED))

    for number in range(1, 8):
        assert shown() == (OLD, SectionState.CACHED, True)
        wait_until(lambda: single_flight().under_way() == 0 and renewals().waiting == 0)
        assert len(member.asked) == 1 + min(number, 5)
    assert upstream("member").breaker.current_state == "open"


def test_no_view_is_kept_with_a_section_that_is_past_its_time(upstreams: Upstreams, settings: Settings) -> None:
    upstreams(member=says_json({"value": "old"}), claims=says_json({"value": "c"}), policy=says_json({"value": "p"}))
    own = VIEW.sections[0].call(a_gateway(), "m-1")
    read(call=own)
    wait_for_the_end_of(own)

    sections = a_gateway().view(VIEW, "m-1").sections()

    assert [str(each.state) for each in sections.values()] == ["cached", "fresh", "fresh"]
    assert not is_kept(settings)
    wait_until(lambda: single_flight().under_way() == 0)
    a_gateway().view(VIEW, "m-1").sections()


def test_the_answer_says_since_when_it_is_past_its_time() -> None:
    parts = [Freshness("cached", ttl_seconds=20.0), Freshness("cached", ttl_seconds=-2.4)]

    assert cache_status_of(parts) == "web-bff; hit; ttl=-3"
    assert [part.is_expired for part in parts] == [False, True]
