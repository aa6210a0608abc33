"""Sockets that never wait, and those that wait for their timeout, over real connections."""

import select
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TypeVar

import pytest

from gateway_clients.runtime import nonblocking_socket
from gateway_clients.runtime.libc import RECEIVE_BYTES
from gateway_clients.runtime.nonblocking_socket import BlockingSocket, NonblockingSocket
from tests.support.waiting import wait_until

S = TypeVar("S", bound=NonblockingSocket)


@contextmanager
def connected(kind: type[S]) -> Iterator[tuple[S, socket.socket]]:
    """Our end of a connection, and the other one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = kind(fileno=socket.create_connection(listener.getsockname()).detach())
        other, _ = listener.accept()
        with ours, other:
            yield ours, other


@pytest.fixture(params=[NonblockingSocket, BlockingSocket])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[NonblockingSocket, socket.socket]]:
    """Our end, and the other one."""
    with connected(request.param) as both:
        yield both


@pytest.fixture
def patient() -> Iterator[tuple[BlockingSocket, socket.socket]]:
    with connected(BlockingSocket) as both:
        yield both


def reset(connection: socket.socket) -> None:
    """Closes it the hard way."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()


def send_for_ever(connection: NonblockingSocket) -> None:
    while True:
        connection.send_now(b"x" * 1_000_000)


def test_what_is_sent_arrives_and_what_came_is_read(ends: tuple[NonblockingSocket, socket.socket]) -> None:
    ours, other = ends
    assert ours.send_now(b"a\0b") == 3
    assert other.recv(10) == b"a\0b"
    other.sendall(b"c\0d")
    wait_until(ours.has_input)
    assert ours.receive_now() == b"c\0d"


def test_where_there_is_nothing_to_do_it_says_so_at_once(ends: tuple[NonblockingSocket, socket.socket]) -> None:
    ours, _ = ends
    assert not ours.has_input()
    with pytest.raises(BlockingIOError):
        ours.receive_now()
    with pytest.raises(BlockingIOError):
        send_for_ever(ours)


def test_much_is_read_in_pieces(ends: tuple[NonblockingSocket, socket.socket]) -> None:
    ours, other = ends
    sent = bytes(range(256)) * 2_000
    threading.Thread(target=other.sendall, args=(sent,)).start()
    got = b""
    while len(got) < len(sent):
        wait_until(ours.has_input)
        piece = ours.receive_now()
        assert 0 < len(piece) <= RECEIVE_BYTES
        got += piece
    assert got == sent


def test_the_end_is_told(ends: tuple[NonblockingSocket, socket.socket]) -> None:
    ours, other = ends
    other.close()
    wait_until(ours.has_input)
    assert ours.receive_now() == b""


def test_a_reset_is_told(ends: tuple[NonblockingSocket, socket.socket]) -> None:
    ours, other = ends
    reset(other)
    assert select.select([ours], [], [], 5)[0]
    with pytest.raises(ConnectionResetError):
        ours.receive_now()
    with pytest.raises(BrokenPipeError):
        ours.send_now(b"x")


def test_a_closed_one_cannot_be_used(ends: tuple[NonblockingSocket, socket.socket]) -> None:
    ours, _ = ends
    ours.close()
    for use in (ours.receive_now, lambda: ours.send_now(b"x")):
        with pytest.raises(OSError, match="Bad file descriptor"):
            use()


def test_one_that_waits_waits_for_its_timeout(patient: tuple[BlockingSocket, socket.socket]) -> None:
    ours, _ = patient
    ours.settimeout(0.1)
    started_at = time.monotonic()
    with pytest.raises(TimeoutError):
        ours.recv_into(bytearray(10))
    assert 0.09 < time.monotonic() - started_at < 1
    with pytest.raises(TimeoutError):
        ours.sendall(b"x" * 50_000_000)


class Waits:
    """Waits for input that take as long as a test says; `wanted` is how long each was to be, in seconds."""

    def __init__(self, connection: BlockingSocket, taking: Callable[[float], float]) -> None:
        self.wanted: list[float] = []
        self.now = 0.0
        self.at_last: Callable[[], object] = lambda: None
        self._connection = connection
        self._taking = taking

    def ready(self, _: object, seconds: float) -> list[int]:
        """In place of the kernel's."""
        self.wanted.append(seconds)
        self.now += self._taking(seconds)
        if len(self.wanted) == nonblocking_socket.WAITS:
            self.at_last()
        return [self._connection.fileno()] if self._connection.has_input() else []


@pytest.fixture
def waits_that_take(
    patient: tuple[BlockingSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[float], float]], Waits]:
    def install(taking: Callable[[float], float]) -> Waits:
        patient[0].settimeout(0.1)
        waits = Waits(patient[0], taking)
        monkeypatch.setattr(nonblocking_socket, "wait_readable", waits.ready)
        monkeypatch.setattr(nonblocking_socket, "time", SimpleNamespace(monotonic=lambda: waits.now))
        return waits

    return install


def test_a_machine_that_stood_still_is_no_timeout_of_the_other_side(
    patient: tuple[BlockingSocket, socket.socket], waits_that_take: Callable[[Callable[[float], float]], Waits]
) -> None:
    ours, other = patient
    waits = waits_that_take(lambda _: 5.0)
    waits.at_last = lambda: (other.sendall(b"after it"), wait_until(ours.has_input))

    assert ours.recv_into(bytearray(8)) == 8
    assert sum(waits.wanted) == pytest.approx(0.1)


def test_waits_that_end_early_are_all_that_counts(
    patient: tuple[BlockingSocket, socket.socket], waits_that_take: Callable[[Callable[[float], float]], Waits]
) -> None:
    waits = waits_that_take(lambda seconds: min(seconds, 0.01))

    with pytest.raises(TimeoutError):
        patient[0].recv_into(bytearray(8))
    assert waits.now == pytest.approx(0.1, abs=0.001)


def test_one_that_waits_reads_what_comes_later(patient: tuple[BlockingSocket, socket.socket]) -> None:
    ours, other = patient
    buffer = bytearray(8)
    for timeout in (5.0, None):
        ours.settimeout(timeout)
        threading.Timer(0.05, other.sendall, (b"later",)).start()
        assert ours.recv_into(buffer) == 5
        assert buffer == b"later\0\0\0"
    other.sendall(b"0123456789")
    wait_until(ours.has_input)
    assert ours.recv_into(buffer, 3) == 3
    other.close()
    assert ours.recv_into(buffer) == 7
    assert ours.recv_into(buffer) == 0


def test_one_that_waits_sends_all(patient: tuple[BlockingSocket, socket.socket]) -> None:
    ours, other = patient
    ours.settimeout(5)
    sent = bytes(range(256)) * 40_000
    threading.Thread(target=ours.sendall, args=(sent,)).start()
    got = bytearray()
    while len(got) < len(sent):
        got += other.recv(1_000_000)
    assert got == sent


def test_threads_that_receive_in_turn_share_a_buffer(ends: tuple[NonblockingSocket, socket.socket]) -> None:
    ours, other = ends
    received, is_over = list[bytes](), threading.Event()

    def receive_and_stay() -> None:
        received.append(ours.receive_now())
        is_over.wait(20)

    threads = [threading.Thread(target=receive_and_stay) for _ in range(20)]
    tracemalloc.start()
    for number, thread in enumerate(threads, start=1):
        other.sendall(b"next")
        wait_until(ours.has_input)
        thread.start()
        wait_until(lambda number=number: len(received) == number)  # type: ignore[misc]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    is_over.set()
    for thread in threads:
        thread.join()

    assert received == [b"next"] * 20
    assert held < 10 * RECEIVE_BYTES
