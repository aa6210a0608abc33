"""A call on a thread, and the bell by which the thread wakes up whoever waits for it."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

from gateway_clients.errors import UpstreamCrowdedError
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import UpstreamResponse
from gateway_clients.transport.multiplexed.multiplexer import Multiplexer
from gateway_clients.transport.multiplexed.threaded_exchange import ThreadedExchange


class LateFuture(Future[Any]):
    """A call that has ended, and whose thread has not come to say so: `tell` does it."""

    def __init__(self) -> None:
        super().__init__()
        self.tell: Callable[[], object] = lambda: None
        self.set_result(UpstreamResponse(200, {}, b"{}"))

    def add_done_callback(self, fn: Callable[[Future[Any]], object]) -> None:
        self.tell = lambda: fn(self)


class OneThread(Executor):
    """Runs nothing, and returns the future that it was given."""

    def __init__(self, future: LateFuture) -> None:
        self._future = future

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        return self._future


def test_a_thread_that_tells_late_writes_into_nobodys_connection() -> None:
    future, multiplexer = LateFuture(), Multiplexer()
    exchange = ThreadedExchange(
        "claims",
        lambda: UpstreamResponse(200, {}, b""),
        OneThread(future),
        Deadline.after(5.0),
        multiplexer.bell,
    )
    multiplexer.start([exchange])
    assert list(multiplexer.wait(1.0)) == [exchange]
    multiplexer.close()
    # The next descriptors that are opened have the numbers of those that were closed.
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    try:
        future.tell()

        os.write(writing, b"mine")
        assert os.read(reading, 100) == b"mine"
    finally:
        os.close(reading)
        os.close(writing)


def test_a_call_that_gets_no_thread_was_not_sent_and_never_is(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    multiplexer, may_end = Multiplexer(), threading.Event()
    with ThreadPoolExecutor(2) as pool:
        busy = pool.submit(may_end.wait, 20)

        def send() -> UpstreamResponse:
            sent.append("late")
            return UpstreamResponse(200, {}, b"")

        exchange = ThreadedExchange("claims", send, pool, Deadline.after(5.0), multiplexer.bell)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", no_thread)
            multiplexer.start([exchange])
        ended = list(multiplexer.wait(0.0))
        may_end.set()
        assert busy.result(20)
    multiplexer.close()

    assert ended == [exchange]
    assert isinstance(exchange.error, UpstreamCrowdedError)
    assert (exchange.error.was_sent, exchange.is_done) == (False, True)
    assert sent == []


def no_thread(_: threading.Thread) -> None:
    """Does what Python does where the process may have no more threads."""
    raise RuntimeError("can't start new thread")
