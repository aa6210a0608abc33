"""Places at an upstream: who waits for one waits once, and what it waited is not the upstream's time."""

import threading
import time
from collections.abc import Callable

import pytest
from pytest_django import Settings

from gateway_clients.errors import (
    DeadlineExceededError,
    UpstreamBusyError,
    UpstreamCircuitOpenError,
    UpstreamCrowdedError,
    UpstreamError,
)
from gateway_clients.instrumentation import CallRecord, Record, observe
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience.bulkhead import Bulkhead
from tests.gateway_clients.wire.steps import GOOD, NEW, Gate, Upstreams
from tests.support.calls import Running, ThingPayload, call_of, gateway_for, write_of
from tests.support.upstream import hangs, says_json
from tests.support.waiting import wait_until

PATIENT = call_of("member", is_patient=True)
#: Both wait for a place.
WAITING = pytest.mark.parametrize("call", [PATIENT, write_of("member")], ids=["patient", "write"])


def error_of(run: Callable[[], object]) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        run()
    return caught.value


def ask(call: Call[ThingPayload], seconds: float = 10.0, *, count: int = 1) -> Running[list[ThingPayload]]:
    """So many calls of one request, on a thread of its own."""

    def run() -> list[ThingPayload]:
        gateway = gateway_for(seconds)
        return [pending.require() for pending in [gateway.call(call) for _ in range(count)]]

    return Running(run)


def test_a_crowd_of_patient_calls_is_made_each_once_and_never_more_at_a_time_than_there_are_places(
    upstreams: Upstreams, settings: Settings
) -> None:
    """Three requests of fifty: thirty of them under way at a time, twelve places."""
    settings.BULKHEAD_LIMIT = 12
    (member,) = upstreams(member=says_json({"value": "new"}, after_seconds=0.01))
    told: list[Record] = []
    stop = observe(told.append)
    gateways = [gateway_for(20.0) for _ in range(3)]

    def run(number: int) -> list[ThingPayload]:
        return [each.require() for each in [gateways[number].call(PATIENT) for _ in range(50)]]

    crowd = [Running(lambda number=number: run(number)) for number in range(3)]
    values = [each.result for each in crowd]
    stop()

    assert values == [[NEW] * 50] * 3
    assert (len(member.asked), member.peak) == (150, 12)
    assert [len(gateway.timings) for gateway in gateways] == [50] * 3
    assert [record.outcome for record in told if isinstance(record, CallRecord)] == ["ok"] * 150
    assert upstream("member").bulkhead.in_flight == 0


def test_a_patient_call_waits_out_a_pause_once_and_is_sent_then(upstreams: Upstreams) -> None:
    (member,) = upstreams(member=GOOD)
    upstream("member").breaker.pause(1.0)
    told: list[Record] = []
    stop = observe(told.append)
    gateway = gateway_for(10.0)

    values = [pending.require() for pending in [gateway.call(PATIENT) for _ in range(3)]]
    stop()

    assert values == [NEW] * 3
    assert (len(member.asked), len(gateway.timings), len(told)) == (3, 3, 3)


def test_a_pause_that_is_longer_than_the_time_there_is_is_told_at_once(upstreams: Upstreams) -> None:
    (member,) = upstreams(member=GOOD)
    upstream("member").breaker.pause(30.0)

    error = error_of(gateway_for(3.0).call(PATIENT).require)

    assert (type(error), error.was_sent, member.asked) == (UpstreamBusyError, False, [])
    assert error.retry_after_seconds == pytest.approx(30.0, abs=5.0)


def test_a_read_that_is_not_patient_does_not_wait_for_the_end_of_a_pause(upstreams: Upstreams) -> None:
    (member,) = upstreams(member=GOOD)
    upstream("member").breaker.pause(1.0)

    error = error_of(gateway_for().call(call_of("member")).require)

    assert (type(error), error.was_sent, member.asked) == (UpstreamBusyError, False, [])


def taken(count: int) -> Bulkhead:
    """The bulkhead of the member service, with so many calls under way."""
    bulkhead = upstream("member").bulkhead
    for _ in range(count):
        assert bulkhead.try_enter()
    return bulkhead


@pytest.mark.parametrize("count", [1, 2], ids=["alone", "side by side"])
def test_a_read_waits_for_a_place_at_an_upstream_that_answers(
    upstreams: Upstreams, settings: Settings, count: int
) -> None:
    settings.BULKHEAD_LIMIT = 1
    (member,) = upstreams(member=GOOD)
    bulkhead = taken(1)
    asked = ask(call_of("member"), count=count)
    wait_until(lambda: bulkhead.waiting == count)

    bulkhead.leave(0.01)

    assert asked.result == [NEW] * count
    assert (len(member.asked), bulkhead.in_flight, bulkhead.waiting) == (count, 0, 0)


def test_a_read_that_waits_is_told_once_the_calls_ahead_of_it_are_overdue(
    upstreams: Upstreams, settings: Settings
) -> None:
    settings.BULKHEAD_LIMIT = 1
    (member,) = upstreams(member=GOOD)
    taken(1).leave(0.01)
    bulkhead = taken(1)

    asked = ask(call_of("member")).wait()

    assert isinstance(asked.error, UpstreamBusyError)
    assert (asked.error.code, asked.error.was_sent, member.asked) == ("upstream_busy", False, [])
    assert asked.seconds < 2.0
    assert bulkhead.waiting == 0


def test_a_read_whose_turn_would_come_too_late_is_told_at_once_that_the_gateway_is_overloaded(
    upstreams: Upstreams, settings: Settings
) -> None:
    settings.BULKHEAD_LIMIT = 1
    (member,) = upstreams(member=GOOD)
    taken(1).leave(1.9)
    bulkhead = taken(1)

    asked = ask(call_of("member"), 2.0).wait()

    assert isinstance(asked.error, UpstreamCrowdedError)
    assert (asked.error.code, asked.error.was_sent, member.asked) == ("overloaded", False, [])
    assert (asked.seconds < 1.0, bulkhead.waiting) == (True, 0)


def test_a_write_goes_ahead_of_the_reads_that_wait(upstreams: Upstreams, settings: Settings) -> None:
    settings.BULKHEAD_LIMIT = 1
    gate = Gate("first", "second")
    (member,) = upstreams(member=gate)
    taken(1).leave(0.5)
    bulkhead = taken(1)
    read = ask(call_of("member"), 20.0)
    wait_until(lambda: bulkhead.waiting == 1)
    written = ask(write_of("member"), 20.0)
    wait_until(lambda: bulkhead.waiting == 2)

    bulkhead.leave(0.5)
    wait_until(lambda: gate.begun == 1)
    gate.open(0)

    assert [each.value for each in written.result] == ["first"]
    gate.open(1)
    assert [each.value for each in read.result] == ["second"]
    assert len(member.asked) == 2


@WAITING
@pytest.mark.parametrize("count", [1, 2], ids=["alone", "side by side"])
def test_the_wait_for_a_place_is_not_the_upstreams_time(
    upstreams: Upstreams, settings: Settings, call: Call[ThingPayload], count: int
) -> None:
    settings.BULKHEAD_LIMIT, settings.BREAKER_SLOW_SECONDS = 1, 0.6
    upstreams(member=GOOD)
    bulkhead, told = upstream("member").bulkhead, list[Record]()
    bulkhead.enter()
    stop = observe(told.append)

    asked = ask(call, count=count)
    wait_until(lambda: bulkhead.waiting == count)
    threading.Event().wait(0.7)
    bulkhead.leave()

    assert asked.result == [NEW] * count
    stop()
    assert upstream("member").breaker._outcomes._window.totals(time.monotonic()) == (count, 0)
    assert [record.outcome for record in told if isinstance(record, CallRecord)] == ["ok"] * count
    assert max(record.seconds for record in told if isinstance(record, CallRecord)) < 0.6
    assert bulkhead.in_flight == 0


@WAITING
def test_who_waited_asks_the_breaker_anew(upstreams: Upstreams, settings: Settings, call: Call[ThingPayload]) -> None:
    settings.BULKHEAD_LIMIT = 1
    (member,) = upstreams(member=GOOD)
    bulkhead = upstream("member").bulkhead
    bulkhead.enter()
    asked = ask(call)
    wait_until(lambda: bulkhead.waiting == 1)

    upstream("member").breaker.open()
    bulkhead.leave()

    assert isinstance(asked.wait().error, UpstreamCircuitOpenError)
    assert (member.asked, bulkhead.in_flight, bulkhead.waiting) == ([], 0, 0)


def test_a_pause_that_began_while_a_patient_call_waited_for_its_place_is_waited_out_too(
    upstreams: Upstreams, settings: Settings
) -> None:
    settings.BULKHEAD_LIMIT = 1
    (member,) = upstreams(member=GOOD)
    bulkhead = upstream("member").bulkhead
    bulkhead.enter()
    asked = ask(PATIENT)
    wait_until(lambda: bulkhead.waiting == 1)

    upstream("member").breaker.pause(1.0)
    bulkhead.leave()

    assert asked.result == [NEW]
    assert (len(member.asked), bulkhead.in_flight) == (1, 0)
    assert asked.seconds >= 1.0


@WAITING
@pytest.mark.parametrize("count", [1, 2], ids=["alone", "side by side"])
def test_who_waits_in_vain_is_told_at_its_deadline_and_leaves_the_queue(
    upstreams: Upstreams, settings: Settings, call: Call[ThingPayload], count: int
) -> None:
    settings.BULKHEAD_LIMIT = 1
    (member,) = upstreams(member=GOOD)
    bulkhead = upstream("member").bulkhead
    bulkhead.enter()

    error = ask(call, 0.3, count=count).wait().error

    assert isinstance(error, UpstreamBusyError | DeadlineExceededError)
    assert (error.was_sent, member.asked) == (False, [])
    wait_until(lambda: bulkhead.waiting == 0)
    assert bulkhead.in_flight == 1


def test_a_place_that_comes_free_is_taken_while_another_upstream_hangs(
    upstreams: Upstreams, settings: Settings
) -> None:
    """The calls of one request, on one thread: the one that waits for its place does not wait for the answer."""
    settings.BULKHEAD_LIMIT = 1
    claims, member = upstreams(claims=hangs, member=GOOD)
    bulkhead = upstream("member").bulkhead
    bulkhead.enter()
    gateway = gateway_for(10.0)
    pendings = [gateway.call(call_of("claims")), gateway.call(PATIENT)]
    asked = Running(pendings[1].require)
    wait_until(lambda: claims.running == 1 and bulkhead.waiting == 1)

    bulkhead.leave()

    wait_until(lambda: len(member.asked) == 1)
    assert claims.running == 1
    claims.close()
    assert asked.result == NEW


def test_places_are_given_in_the_order_in_which_they_were_asked_for(upstreams: Upstreams, settings: Settings) -> None:
    settings.BULKHEAD_LIMIT = 1
    gate = Gate(*"abcd")
    upstreams(member=gate)
    bulkhead, order = upstream("member").bulkhead, list[str]()
    waiting: list[Running[None]] = []
    for number in range(4):
        call = PATIENT if number % 2 else write_of("member")

        def run(call: Call[ThingPayload] = call) -> None:
            order.append(gateway_for(20.0).call(call).require().value)

        waiting.append(Running(run))
        wait_until(lambda number=number: gate.begun == 1 and bulkhead.waiting == number)

    for number in range(4):
        gate.open(number)
        waiting[number].wait()

    assert order == ["a", "b", "c", "d"]
