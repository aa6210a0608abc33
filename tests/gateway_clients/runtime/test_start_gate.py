"""Reads start in the order in which they came, a few at a time."""

import threading
from collections.abc import Callable
from itertools import count

import pytest

from gateway_clients.runtime import start_gate as module
from gateway_clients.runtime.start_gate import StartGate
from tests.support.waiting import wait_until

LONG_SECONDS = 30.0


class Comer:
    """A thread that comes to the gate, works until it is told to go, and leaves."""

    def __init__(self, gate: StartGate, *, seconds: float = LONG_SECONDS) -> None:
        self.is_in: bool | None = None
        self._gate = gate
        self._seconds = seconds
        self._orders: list[Callable[[], object]] = []
        self._has_order = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.is_in = self._gate.enter(self._seconds)
        self._has_order.wait(LONG_SECONDS)
        for order in self._orders:
            order()
        self._gate.leave()

    def go(self, *orders: Callable[[], object]) -> None:
        """Does these, and leaves."""
        self._orders.extend(orders)
        self._has_order.set()

    def end(self) -> None:
        """Leaves, and is gone."""
        self.go()
        self._thread.join(LONG_SECONDS)


def queue_of(gate: StartGate, count: int) -> list[Comer]:
    """So many come, one after the other, and have to wait."""
    comers = []
    for number in range(count):
        comers.append(Comer(gate))
        wait_until(lambda number=number: gate.waiting == number + 1)
    return comers


@pytest.fixture(autouse=True)
def nobody_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread that works here counts as one that waits for something."""
    monkeypatch.setattr(module, "STUCK_SECONDS", LONG_SECONDS)


def test_no_more_than_a_few_start_and_the_others_follow_in_the_order_in_which_they_came() -> None:
    gate = StartGate(2)
    working = [Comer(gate), Comer(gate)]
    wait_until(lambda: [comer.is_in for comer in working] == [True, True])
    first, second, third = queue_of(gate, 3)

    working[0].end()
    wait_until(lambda: first.is_in)
    assert (second.is_in, third.is_in) == (None, None)
    first.end()
    wait_until(lambda: second.is_in)
    assert third.is_in is None

    for comer in (working[1], second, third):
        comer.end()


def test_who_waits_for_others_lets_another_start_and_goes_on_without_a_turn() -> None:
    gate, answer, has_gone_on = StartGate(1), threading.Event(), threading.Event()
    waiting = Comer(gate)
    wait_until(lambda: waiting.is_in)
    (other,) = queue_of(gate, 1)

    def wait_for_answer() -> None:
        with gate.waiting_for_others():
            answer.wait(LONG_SECONDS)

    waiting.go(wait_for_answer, has_gone_on.set)
    wait_until(lambda: other.is_in)
    answer.set()
    assert has_gone_on.wait(LONG_SECONDS)

    other.end()


def test_who_has_gone_on_counts_again() -> None:
    gate, is_back = StartGate(1), threading.Event()
    may_leave = threading.Event()
    first = Comer(gate)
    wait_until(lambda: first.is_in)

    def look_up() -> None:
        with gate.waiting_for_others():
            pass
        is_back.set()
        may_leave.wait(LONG_SECONDS)

    first.go(look_up)
    assert is_back.wait(LONG_SECONDS)
    (other,) = queue_of(gate, 1)
    may_leave.set()
    wait_until(lambda: other.is_in)

    other.end()


def test_whose_time_is_over_leaves_the_queue() -> None:
    gate = StartGate(1)
    working = Comer(gate)
    wait_until(lambda: working.is_in)

    late = Comer(gate, seconds=0.05)
    wait_until(lambda: late.is_in is False)
    assert gate.waiting == 0
    late.end()
    (next_one,) = queue_of(gate, 1)
    working.end()
    wait_until(lambda: next_one.is_in)

    next_one.end()


def test_those_that_wait_for_what_the_gate_is_not_told_of_stop_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STUCK_SECONDS", 0.02)
    gate = StartGate(1)
    stuck = Comer(gate)
    wait_until(lambda: stuck.is_in)

    others = [Comer(gate), Comer(gate)]

    wait_until(lambda: [comer.is_in for comer in others] == [True, True])
    for comer in (stuck, *others):
        comer.end()


@pytest.mark.parametrize(("tick_seconds", "times"), [(0.3, 1), (0.0, 0)])
def test_who_runs_late_stands_back_as_long_again(tick_seconds: float, times: int) -> None:
    ticks, slept = count(), list[float]()
    gate = StartGate(1, clock=lambda: next(ticks) * tick_seconds, sleep=slept.append)
    working = Comer(gate)
    wait_until(lambda: working.is_in)
    (late,) = queue_of(gate, 1)

    working.end()
    wait_until(lambda: late.is_in)

    assert len(slept) == times
    assert all(seconds >= tick_seconds for seconds in slept)
    late.end()


def test_a_thread_that_was_not_let_in_has_nothing_to_give_back() -> None:
    gate = StartGate(1)

    gate.leave()
    with gate.waiting_for_others():
        pass

    assert gate.enter(0.0)
    assert not Comer(gate, seconds=0.0).is_in
