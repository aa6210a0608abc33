"""Fills behind an answer, where the process may have no more threads: nothing that was taken for them is lost."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pytest_django import Settings

from gateway_clients.caching.lookups import LookupStatus
from gateway_clients.caching.store import default_cache
from gateway_clients.conf import DataClass
from gateway_clients.errors import GatewayOverloadedError
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline import background
from gateway_clients.pipeline.background import refresh, single_flight
from gateway_clients.pipeline.cached_read import lookup_for
from gateway_clients.pipeline.outcome import Outcome
from gateway_clients.pipeline.revalidation import renewals
from gateway_clients.pipeline.upstreams import admission
from gateway_clients.resilience.deadline import Deadline
from tests.gateway_clients.wire.steps import GOOD, NEW, Gate, Upstreams, outcome_of
from tests.support.calls import ThingPayload, call_of, gateway_for, key_of
from tests.support.waiting import wait_until


class NoThreads(ThreadPoolExecutor):
    """Does what Python does where the process may have no more threads."""

    def submit(self, *_: Any, **__: Any) -> Any:
        """Raises RuntimeError."""
        raise RuntimeError("can't start new thread")


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No fill gets a thread, until it is undone."""
    monkeypatch.setattr(background, "pool", lambda: NoThreads(1))
    return monkeypatch


def is_nothing_held() -> bool:
    return (single_flight().under_way(), admission().waiting, renewals().waiting) == (0, 0, 0)


def may_lease(call: Any) -> bool:
    """Whether the next one who asks for it anew may fill it, and waits for nobody."""
    (found,) = default_cache().read([lookup_for(call.key, 3.0, is_fresh_wanted=True)])
    default_cache().release([found])
    return found.status is LookupStatus.LEASED


def test_a_request_in_a_hurry_is_shed_and_the_next_one_reads(
    upstreams: Upstreams, no_threads: pytest.MonkeyPatch
) -> None:
    upstreams(claims=GOOD)
    call = call_of(key=key_of())

    with pytest.raises(GatewayOverloadedError):
        outcome_of(call, 0.5)

    assert is_nothing_held()
    assert may_lease(call)
    no_threads.undo()
    assert outcome_of(call).value == NEW


@pytest.mark.usefixtures("no_threads")
def test_a_refresh_is_left_out(upstreams: Upstreams) -> None:
    upstreams(claims=GOOD)
    gateway, call = gateway_for(), call_of(key=key_of())
    kept = gateway.call(call).outcome()

    refresh(call, kept, gateway.fan_out.origin, default_cache())

    assert is_nothing_held()


@pytest.mark.usefixtures("no_threads")
def test_a_renewal_is_left_out_and_what_is_kept_answers(upstreams: Upstreams, settings: Settings) -> None:
    upstreams(member=GOOD)
    settings.CACHE_TTL_SECONDS_MEMBER = 0.01
    call = call_of("member", key=key_of(data_class=DataClass.MEMBER))

    def read() -> Outcome[ThingPayload]:
        gateway = Gateway(request_id="r-1", deadline=Deadline.after(3.0), may_revalidate=True, on_behalf_of="a-1")
        outcome: Outcome[ThingPayload] = gateway.call(call).outcome()
        return outcome

    shown = read()
    while not shown.is_expired:
        shown = read()

    assert shown.value == NEW
    assert is_nothing_held()
    assert may_lease(call)


def test_a_fill_that_another_thread_has_begun_all_the_same_answers(
    upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate("new")
    upstreams(claims=gate)

    class Queues(ThreadPoolExecutor):
        """Has no more threads; one of those it has does what is in the queue, and is at it by then."""

        def submit(self, *work: Any, **options: Any) -> Any:
            super().submit(*work, **options)
            wait_until(lambda: gate.begun == 1)
            gate.open(0)
            raise RuntimeError("can't start new thread")

    with Queues(1) as pool:
        monkeypatch.setattr(background, "pool", lambda: pool)

        assert outcome_of(call_of(key=key_of()), 2.0).value == NEW
        wait_until(is_nothing_held)
