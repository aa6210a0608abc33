"""What the cache had to do with an answer: for how long it is still fresh, and whose call it came from."""

from typing import Any

import msgspec
import pytest

from gateway_clients.caching.lookups import CacheLookup, Entry, LookupResult, LookupStatus
from gateway_clients.caching.store import default_cache
from gateway_clients.pipeline import stack
from gateway_clients.pipeline.cached_read import lookup_for
from gateway_clients.pipeline.effects import Sleep
from gateway_clients.pipeline.origin import RequestOrigin
from gateway_clients.pipeline.outcome import Freshness, Outcome, SectionState
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience.deadline import Deadline
from tests.gateway_clients.wire.steps import GOOD, NEW, Gate, Upstreams, outcome_of, requests_waiting
from tests.support.calls import Running, call_of, gateway_for, key_of
from tests.support.waiting import wait_until


def test_a_kept_answer_says_how_long_it_is_fresh(upstreams: Upstreams) -> None:
    upstreams(claims=GOOD)
    call = call_of(key=key_of())
    fresh, kept = outcome_of(call), outcome_of(call)

    assert (fresh.ttl_seconds, fresh.is_collapsed) == (None, False)
    assert kept.ttl_seconds is not None
    assert 30 < kept.ttl_seconds <= 60
    assert (kept.state, kept.is_collapsed) == (SectionState.CACHED, False)


def test_who_shares_anothers_call_says_so_and_who_made_it_does_not(upstreams: Upstreams) -> None:
    gate = Gate("new")
    (claims,) = upstreams(claims=gate)
    call = call_of(key=key_of())

    def read() -> list[Freshness]:
        gateway = gateway_for()
        assert gateway.call(call).require() == NEW
        return gateway.freshness

    leader = Running(read)
    wait_until(lambda: gate.begun)
    follower = Running(read)
    wait_until(lambda: requests_waiting() == 2)
    gate.open(0)

    assert leader.result == [Freshness(SectionState.FRESH)]
    assert follower.result == [Freshness(SectionState.FRESH, is_collapsed=True)]
    assert len(claims.asked) == 1


@pytest.mark.parametrize("has_waited", [False, True])
def test_so_does_who_waited_for_the_fill_of_another_process(has_waited: bool, upstreams: Upstreams) -> None:
    upstreams(claims=GOOD)
    key = key_of()
    pipe: Any = stack.read(
        call_of(key=key),
        upstream("claims"),
        RequestOrigin(request_id="r-1"),
        Deadline.after(3.0),
        cache=default_cache(),
        lookup=lookup_for(key, 3.0, is_fresh_wanted=False),
        found=None,
    )
    entry = Entry(msgspec.Raw(msgspec.msgpack.encode(NEW)))
    found = LookupResult(
        key=key, status=LookupStatus.HIT, entry=entry, at_ms=10_000, stored_ms=9_000, fresh_until_ms=69_000
    )

    assert isinstance(next(pipe), CacheLookup)
    if has_waited:
        assert isinstance(pipe.send(LookupResult(key=key, status=LookupStatus.BUSY)), Sleep)
        assert isinstance(pipe.send(None), CacheLookup)
    with pytest.raises(StopIteration) as end:
        pipe.send(found)

    outcome: Outcome[Any] = end.value.value
    assert (outcome.value, outcome.ttl_seconds, outcome.is_collapsed) == (NEW, 59.0, has_waited)
