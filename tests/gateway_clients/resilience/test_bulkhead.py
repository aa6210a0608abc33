"""Limits of calls in flight."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway_clients.errors import UpstreamBusyError, UpstreamCrowdedError
from gateway_clients.resilience.bulkhead import Bulkhead
from gateway_clients.resilience.deadline import Deadline
from tests.support.clock import FakeClock
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


def answered(bulkhead: Bulkhead, seconds: float, *, times: int = 1) -> None:
    for _ in range(times):
        assert bulkhead.try_enter()
        bulkhead.leave(seconds)


def timed_out(bulkhead: Bulkhead, *, times: int) -> None:
    for _ in range(times):
        assert bulkhead.try_enter()
        bulkhead.leave(2.0, has_answered=False)


def test_a_sixth_of_the_places_is_kept_for_writes() -> None:
    bulkhead = Bulkhead("claims", 12)
    reads = [bulkhead.try_enter(is_read=True) for _ in range(12)]
    writes = [bulkhead.try_enter() for _ in range(4)]

    assert (reads.count(True), writes) == (10, [True, True, False, False])


@pytest.mark.parametrize(
    ("answer_seconds", "seconds", "admitted"),
    [(0.05, 0.2, 10), (0.05, 3.0, 220), (0.5, 3.0, 17), (1.4, 3.0, 3), (1.4, 1.0, 0), (None, 3.0, 2), (None, 2.0, 0)],
    ids=["short of time", "quick", "slow", "slower", "too slow", "unknown", "unknown and short of time"],
)
def test_as_many_reads_wait_as_the_pace_serves_in_their_time(
    answer_seconds: float | None, seconds: float, admitted: int
) -> None:
    bulkhead = Bulkhead("claims", 5, clock=FakeClock())
    if answer_seconds is not None:
        answered(bulkhead, answer_seconds)
    while bulkhead.try_enter():
        pass
    for _ in range(admitted):
        assert bulkhead.queue_read(seconds).has_place is False

    with pytest.raises(UpstreamCrowdedError):
        bulkhead.queue_read(seconds)


def test_reads_fail_at_once_while_the_calls_in_flight_are_overdue_and_wait_again_behind_an_answer() -> None:
    clock = FakeClock()
    bulkhead = Bulkhead("claims", 1, clock=clock)
    answered(bulkhead, 0.05)
    bulkhead.enter()
    clock.advance(0.3)
    bulkhead.drop(bulkhead.queue_read(3.0))
    clock.advance(0.2)
    with pytest.raises(UpstreamBusyError) as refused:
        bulkhead.queue_read(3.0)
    bulkhead.leave(0.5)
    bulkhead.enter()

    assert refused.value.code == "upstream_busy"
    assert bulkhead.queue_read(3.0).has_place is False


def test_an_upstream_whose_last_calls_had_no_answer_keeps_nobody_waiting() -> None:
    bulkhead = Bulkhead("claims", 1)
    answered(bulkhead, 0.05)
    timed_out(bulkhead, times=3)
    bulkhead.enter()

    with pytest.raises(UpstreamBusyError):
        bulkhead.queue_read(3.0)


def test_a_call_that_had_little_time_says_nothing_of_its_upstream() -> None:
    bulkhead = Bulkhead("claims", 4)
    answered(bulkhead, 0.05)
    for _ in range(5):
        bulkhead.enter()
        bulkhead.leave(0.1, has_answered=False)

    assert (bulkhead.is_overdue, bulkhead.limit) == (False, 4)


def test_one_that_waits_in_vain_leaves_no_trace() -> None:
    bulkhead = Bulkhead("claims", 1)
    answered(bulkhead, 0.05)
    bulkhead.enter()
    read, write = bulkhead.queue_read(3.0), bulkhead.queue()
    bulkhead.drop(read)
    bulkhead.drop(write)
    bulkhead.leave()

    assert (bulkhead.in_flight, bulkhead.waiting) == (0, 0)


def test_one_that_gives_up_when_its_turn_has_come_gives_its_place_to_the_next() -> None:
    bulkhead = Bulkhead("claims", 1)
    answered(bulkhead, 0.05)
    bulkhead.enter()
    first, second = bulkhead.queue(), bulkhead.queue()
    bulkhead.leave()
    assert (first.has_place, second.has_place) == (True, False)
    bulkhead.drop(first)

    assert (second.has_place, bulkhead.in_flight, bulkhead.waiting) == (True, 1, 0)
    bulkhead.drop(second)
    assert bulkhead.in_flight == 0


def test_calls_without_an_answer_take_places_away_and_answers_give_them_back() -> None:
    clock = FakeClock()
    bulkhead = Bulkhead("claims", 20, clock=clock)
    limits = []
    for _ in range(10):
        timed_out(bulkhead, times=1)
        limits.append(bulkhead.limit)
    assert limits == [16, 12, 10, 8, 6, 5, 5, 5, 5, 5]

    for _ in range(6):
        clock.advance(0.5)
        answered(bulkhead, 0.05, times=20)
        limits.append(bulkhead.limit)
    assert limits[10:] == [7, 9, 13, 16, 20, 20]


def test_answers_that_take_far_longer_than_usual_take_places_away() -> None:
    clock = FakeClock()
    bulkhead = Bulkhead("claims", 40, clock=clock)
    seen = []
    for seconds in (0.05, 0.05, 0.09, 0.3, 0.3, 0.3, 0.05, 0.05):
        clock.advance(0.5)
        answered(bulkhead, seconds, times=20)
        seen.append(bulkhead.limit)

    assert seen[:3] == [40, 40, 40]
    assert seen[3] < 30
    assert seen[3] > seen[4] > seen[5] >= 10
    assert seen[5] < seen[6] < seen[7]
