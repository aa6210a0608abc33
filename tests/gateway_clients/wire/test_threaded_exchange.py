"""A call on a thread, and the bell by which the thread wakes up whoever waits for it."""

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

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
