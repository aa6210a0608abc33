"""Limits of calls in flight."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from gateway_clients.errors import GatewayOverloadedError, UpstreamBusyError
from gateway_clients.resilience.bulkhead import Admission, Bulkhead, Followers
from gateway_clients.resilience.deadline import Deadline
from tests.gateway_clients.resilience.transcript import FakeClock
from tests.support.waiting import wait_until


def test_a_full_bulkhead_refuses_a_read_at_once_and_takes_it_once_there_is_room() -> None:
    bulkhead = Bulkhead("claims", 2)
    with bulkhead.place(), bulkhead.place():
        assert bulkhead.in_flight == 2
        with pytest.raises(UpstreamBusyError) as refused, bulkhead.place():
            pass
        assert (refused.value.service, refused.value.was_sent) == ("claims", False)
    assert bulkhead.in_flight == 0
    with bulkhead.place():
        assert bulkhead.in_flight == 1


def test_a_place_is_given_back_when_the_call_fails() -> None:
    bulkhead = Bulkhead("claims", 1)
    with pytest.raises(ConnectionError), bulkhead.place():
        raise ConnectionError
    assert bulkhead.in_flight == 0


def test_a_place_is_taken_and_given_back_without_a_block_too() -> None:
    bulkhead = Bulkhead("claims", 1)
    bulkhead.enter()
    with pytest.raises(UpstreamBusyError):
        bulkhead.enter()
    assert bulkhead.in_flight == 1
    bulkhead.leave()
    assert bulkhead.in_flight == 0


def test_a_write_waits_for_a_place() -> None:
    bulkhead = Bulkhead("claims", 1)

    def write() -> str:
        with bulkhead.place(Deadline.after(5)):
            return "written"

    with ThreadPoolExecutor(1) as pool:
        with bulkhead.place():
            waiting = pool.submit(write)
            wait_until(lambda: bulkhead.waiting == 1)
            assert not waiting.done()
        assert waiting.result(5) == "written"
    assert (bulkhead.in_flight, bulkhead.waiting) == (0, 0)


def test_a_write_waits_no_longer_than_its_deadline() -> None:
    bulkhead = Bulkhead("claims", 1)
    with bulkhead.place(), pytest.raises(UpstreamBusyError), bulkhead.place(Deadline.after(0.02)):
        pass
    assert (bulkhead.in_flight, bulkhead.waiting) == (0, 0)


def test_a_freed_place_goes_to_the_write_that_waits_not_to_a_read_that_comes_later() -> None:
    bulkhead = Bulkhead("claims", 1)
    has_place, may_end = threading.Event(), threading.Event()

    def write() -> None:
        with bulkhead.place(Deadline.after(5)):
            has_place.set()
            may_end.wait(5)

    with ThreadPoolExecutor(1) as pool:
        with bulkhead.place():
            written = pool.submit(write)
            wait_until(lambda: bulkhead.waiting == 1)
        with pytest.raises(UpstreamBusyError), bulkhead.place():
            pass
        assert has_place.wait(5)
        may_end.set()
        written.result(5)


def test_no_more_calls_than_the_limit_are_ever_in_flight() -> None:
    bulkhead = Bulkhead("claims", 3)
    most = 0
    lock = threading.Lock()

    def write(_: int) -> None:
        nonlocal most
        with bulkhead.place(Deadline.after(5)):
            with lock:
                most = max(most, bulkhead.in_flight)
            threading.Event().wait(0.001)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(write, range(60)))
    assert (most, bulkhead.in_flight) == (3, 0)


def test_admission_sheds_above_its_limit_and_takes_again_after_one_left() -> None:
    admission = Admission(2)
    admission.enter()
    admission.enter()
    assert not admission.try_enter()
    with pytest.raises(GatewayOverloadedError) as shed:
        admission.enter()
    assert (shed.value.status, shed.value.retry_after_seconds, admission.waiting) == (503, 1.0, 2)
    admission.leave()
    assert admission.try_enter()


def test_a_deadline_is_a_moment_that_never_moves_back() -> None:
    clock = FakeClock()
    deadline = Deadline.after(3, clock=clock)
    clock.advance(1)
    assert deadline.remaining_seconds == 2.0
    assert deadline.sooner(1).remaining_seconds == 1.0
    assert deadline.sooner(10).remaining_seconds == 2.0
    assert deadline.earlier_by(0.5).remaining_seconds == 1.5
    clock.advance(2)
    assert (deadline.has_passed, deadline.remaining_seconds) == (True, 0.0)
    clock.advance(2)
    assert deadline.remaining_seconds == 0.0


def test_while_the_upstream_is_well_a_crowd_may_follow_and_who_comes_beyond_is_shed() -> None:
    followers = Followers("claims", most=3, share=1, is_in_trouble=lambda: False)
    with ExitStack() as waiting:
        for _ in range(3):
            waiting.enter_context(followers.following())
        with pytest.raises(GatewayOverloadedError):
            waiting.enter_context(followers.following())
        assert followers.waiting == 3

    assert followers.waiting == 0


def test_while_it_is_in_trouble_a_share_may_follow() -> None:
    troubles: list[str] = []
    followers = Followers("claims", most=4, share=2, is_in_trouble=lambda: bool(troubles))
    with ExitStack() as waiting:
        for _ in range(3):
            waiting.enter_context(followers.following())
        troubles.append("timeout")
        with pytest.raises(UpstreamBusyError) as refused:
            waiting.enter_context(followers.following())

    assert (refused.value.service, refused.value.was_sent) == ("claims", False)
    with followers.following(), followers.following(), pytest.raises(UpstreamBusyError), followers.following():
        pass


def test_who_waits_for_anothers_call_holds_no_place_that_others_need() -> None:
    admission = Admission(1)
    admission.enter()
    with admission.aside():
        admission.enter()
        assert not admission.try_enter()
    assert admission.waiting == 2
    admission.leave()
    admission.leave()
    assert admission.waiting == 0
