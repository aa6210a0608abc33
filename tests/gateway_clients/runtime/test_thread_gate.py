"""How many server threads are awake: who rests, who is called, and that nobody waits for one who waits."""

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import pytest

from gateway_clients.runtime.thread_gate import ThreadGate
from tests.support.waiting import wait_until


class Clock:
    """Seconds, as the test says."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Server:
    """Threads that take what they are given in turn, as an HTTP server's do."""

    def __init__(self, gate: ThreadGate, threads: int) -> None:
        self.gate = gate
        self.tasks: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self.lock = threading.Lock()
        self.served: list[str] = []
        self.threads = [threading.Thread(target=self._run, name=str(number)) for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def _run(self) -> None:
        while (task := self.tasks.get()) is not None:
            self.gate.begin()
            task()
            with self.lock:
                self.served.append(threading.current_thread().name)
            self.gate.end(may_park=True)

    def close(self) -> None:
        """Ends all threads, those that rest too."""
        while alive := [thread for thread in self.threads if thread.is_alive()]:
            self.tasks.put(None)
            alive[0].join(0.01)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> ThreadGate:
    return ThreadGate(most_running=2, patience_seconds=10.0, clock=clock)


@pytest.fixture
def server(gate: ThreadGate) -> Iterator[Server]:
    running = Server(gate, threads=8)
    yield running
    running.close()


def busy_all(server: Server, count: int) -> threading.Event:
    """As many requests at the same time, each at work until the event is set."""
    ready, go = threading.Barrier(count + 1), threading.Event()

    def task() -> None:
        ready.wait(5)
        go.wait(5)

    for _ in range(count):
        server.tasks.put(task)
    ready.wait(5)
    return go


def settle(server: Server, count: int) -> None:
    """All eight have had a request, and only two are left awake."""
    before = len(server.served)
    busy_all(server, count).set()
    wait_until(lambda: len(server.served) == before + count)
    wait_until(lambda: server.gate.parked == 6)


def test_threads_rest_behind_their_answer_while_enough_are_awake(server: Server) -> None:
    settle(server, 8)

    for _ in range(50):
        server.tasks.put(lambda: None)

    wait_until(lambda: len(server.served) == 58)
    assert len(set(server.served[8:])) <= 2
    assert server.gate.parked == 6


def test_one_who_waits_has_another_called_in_its_place(server: Server) -> None:
    settle(server, 8)
    answered, waiting = threading.Event(), threading.Barrier(6)

    def wait_for_an_upstream() -> None:
        with server.gate.blocked():
            waiting.wait(5)
            answered.wait(5)

    for _ in range(5):
        server.tasks.put(wait_for_an_upstream)
    waiting.wait(5)
    server.tasks.put(lambda: None)
    wait_until(lambda: len(server.served) == 9)
    answered.set()

    wait_until(lambda: len(server.served) == 14)
    wait_until(lambda: server.gate.parked == 6)


def test_one_who_is_at_a_request_for_long_is_taken_to_wait(server: Server, clock: Clock) -> None:
    settle(server, 8)
    go = busy_all(server, 2)
    server.tasks.put(lambda: None)
    server.gate.mark_stuck()
    assert len(server.served) == 8

    clock.now = 11.0
    server.gate.mark_stuck()

    wait_until(lambda: len(server.served) == 9)
    go.set()
    wait_until(lambda: len(server.served) == 11)
    wait_until(lambda: server.gate.parked == 6)


def test_a_process_looks_after_them_by_itself() -> None:
    gate = ThreadGate(most_running=1, patience_seconds=0.02)
    server = Server(gate, threads=3)
    busy_all(server, 3).set()
    wait_until(lambda: gate.parked == 2)
    go = busy_all(server, 1)

    server.tasks.put(lambda: None)

    wait_until(lambda: len(server.served) == 4)
    go.set()
    server.close()


def test_who_may_not_rest_goes_on(gate: ThreadGate) -> None:
    for _ in range(3):
        threading.Thread(target=gate.begin).start()
    gate.begin()

    gate.end(may_park=False)

    assert gate.parked == 0


def test_a_thread_that_serves_nothing_is_left_alone(gate: ThreadGate) -> None:
    with gate.blocked():
        gate.end(may_park=True)

    assert gate.parked == 0


def test_the_place_of_a_thread_that_ended_is_taken(server: Server) -> None:
    settle(server, 8)
    server.tasks.put(None)
    server.tasks.put(None)
    wait_until(lambda: sum(thread.is_alive() for thread in server.threads) == 6)

    server.tasks.put(lambda: None)

    wait_until(lambda: len(server.served) == 9)
    assert server.gate.parked == 4
