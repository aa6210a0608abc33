"""Waiting for connections: which are ready, for how long it waits, and that others run meanwhile."""

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from gateway_clients.runtime.poll import wait_readable

Pairs = list[tuple[socket.socket, socket.socket]]


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    """Three connections."""
    made = [socket.socketpair() for _ in range(3)]
    yield made
    for pair in made:
        for end in pair:
            end.close()


def inputs(pairs: Pairs) -> Sequence[tuple[int, int]]:
    return [(ours.fileno(), select.POLLIN) for ours, _ in pairs]


def test_those_that_are_ready_are_told(pairs: Pairs) -> None:
    pairs[0][1].sendall(b"x")
    pairs[2][1].close()
    assert wait_readable(inputs(pairs), 5.0) == [pairs[0][0].fileno(), pairs[2][0].fileno()]
    assert wait_readable([(pairs[1][0].fileno(), select.POLLOUT)], 5.0) == [pairs[1][0].fileno()]


@pytest.mark.alone
@pytest.mark.parametrize("seconds", [0.0, 0.0003, 0.05])
def test_it_waits_as_long_as_it_is_told(pairs: Pairs, seconds: float) -> None:
    started_at = time.monotonic()
    assert wait_readable(inputs(pairs), seconds) == []
    assert seconds <= time.monotonic() - started_at < seconds + 0.03


def test_many_are_watched_at_once() -> None:
    made = [socket.socketpair() for _ in range(65)]
    try:
        made[-1][1].sendall(b"x")
        assert wait_readable(inputs(made), 5.0) == [made[-1][0].fileno()]
    finally:
        for pair in made:
            for end in pair:
                end.close()


@pytest.mark.alone
def test_with_nothing_to_watch_it_only_waits() -> None:
    started_at = time.monotonic()
    assert wait_readable([], 0.02) == []
    assert 0.02 <= time.monotonic() - started_at < 0.05


def test_other_threads_run_meanwhile(pairs: Pairs) -> None:
    answer: Callable[[], Any] = lambda: pairs[1][1].sendall(b"x")  # noqa: E731
    threading.Thread(target=answer).start()
    assert wait_readable(inputs(pairs), 20.0) == [pairs[1][0].fileno()]
