"""When the database's breaker opens, and what closes it."""

import threading
from collections.abc import Callable

import psycopg
import pytest

from gateway_clients.database.breaker import DatabaseBreaker, DatabaseDownError
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until


class Probe:
    """Asks when it is let, and fails with what it is told."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked = 0
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self) -> None:
        self.asked += 1
        self.may_end.wait(10)
        if self.error is not None:
            raise self.error


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(100.0)


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.fixture
def pause() -> threading.Event:
    """The breaker probes again when it is set."""
    return threading.Event()


@pytest.fixture
def breaker(clock: FakeClock, probe: Probe, pause: threading.Event) -> DatabaseBreaker:
    return DatabaseBreaker(probe, clock=clock, sleep=lambda _: pause.wait(10) and pause.clear())


def is_idle(breaker: DatabaseBreaker) -> Callable[[], bool]:
    return lambda: not breaker._is_probing


def no_thread(_: threading.Thread) -> None:
    """Does what Python does where the process may have no more threads."""
    raise RuntimeError("can't start new thread")


def test_a_probe_that_gets_no_thread_begins_with_the_next_caller(
    breaker: DatabaseBreaker, clock: FakeClock, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = clock()
    clock.now += 10.0
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(DatabaseDownError):
            breaker.look(since)
    assert (breaker.is_open, probe.asked) == (True, 0)

    with pytest.raises(DatabaseDownError):
        breaker.refuse()

    wait_until(lambda: not breaker.is_open)
    breaker.refuse()


def test_half_a_second_without_an_answer_has_a_probe_ask_and_an_answer_keeps_it_closed(
    breaker: DatabaseBreaker, clock: FakeClock, probe: Probe
) -> None:
    since = clock()
    clock.now += 0.49
    breaker.look(since)
    assert probe.asked == 0

    clock.now += 0.01
    breaker.look(since)
    wait_until(lambda: probe.asked == 1 and is_idle(breaker)())
    assert not breaker.is_open
    # The probe was answered, so that the slow statement says nothing of the database.
    clock.now += 0.4
    breaker.look(since)
    assert (breaker.is_open, probe.asked) == (False, 1)


def test_a_second_in_which_nobody_is_answered_opens_it_and_the_probes_answer_closes_it(
    breaker: DatabaseBreaker, clock: FakeClock, probe: Probe
) -> None:
    probe.may_end.clear()
    since = clock()
    clock.now += 1.0
    with pytest.raises(DatabaseDownError):
        breaker.look(since)
    with pytest.raises(DatabaseDownError):
        breaker.refuse()
    assert breaker.is_open

    probe.may_end.set()
    wait_until(lambda: not breaker.is_open)
    breaker.refuse()


def test_answers_to_others_keep_it_closed_however_long_one_waits(breaker: DatabaseBreaker, clock: FakeClock) -> None:
    since = clock()
    for _ in range(10):
        clock.now += 0.4
        breaker.heard()
        clock.now += 0.05
        breaker.look(since)
    assert not breaker.is_open


def test_a_refused_connection_opens_it_when_the_probe_is_refused_too(
    breaker: DatabaseBreaker, probe: Probe, pause: threading.Event
) -> None:
    probe.error = psycopg.OperationalError("refused")
    breaker.doubt()
    wait_until(lambda: breaker.is_open)

    probe.error = None
    pause.set()
    wait_until(lambda: not breaker.is_open)
    assert probe.asked == 2


def test_a_refused_connection_does_not_open_it_while_others_are_answered(
    breaker: DatabaseBreaker, clock: FakeClock, probe: Probe
) -> None:
    probe.error = psycopg.OperationalError("refused")
    probe.may_end.clear()
    breaker.doubt()
    wait_until(lambda: probe.asked == 1)
    clock.now += 0.1
    breaker.heard()
    probe.may_end.set()

    wait_until(is_idle(breaker))
    assert not breaker.is_open


def test_a_server_without_a_connection_to_give_is_not_down(breaker: DatabaseBreaker, probe: Probe) -> None:
    probe.error = psycopg.errors.TooManyConnections("too many clients")
    breaker.doubt()
    wait_until(lambda: probe.asked == 1 and is_idle(breaker)())
    assert not breaker.is_open
