"""How many threads of a process that serves keep a connection to SQLite."""

import threading
from collections.abc import Iterator

import pytest
from django.core.signals import request_finished

from gateway_clients.database import process_mode, sqlite_connections
from gateway_clients.database.sqlite_connections import MOST_KEPT, close_surplus

THREADS = 20


class Connection:
    """As much of Django's connection as is looked at."""

    vendor = "sqlite"
    in_atomic_block = False

    def __init__(self) -> None:
        self.connection: object | None = None
        self.has_closed = False

    def close(self) -> None:
        self.connection, self.has_closed = None, True


class PerThread(threading.local):
    def __init__(self) -> None:
        self.own = Connection()

    def all(self, *, initialized_only: bool) -> list[Connection]:
        assert initialized_only
        return [self.own]


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[PerThread]:
    made = PerThread()
    monkeypatch.setattr(sqlite_connections, "connections", made)
    process_mode.serve()
    yield made
    process_mode.stop_serving()


def in_threads(connections: PerThread, requests: int) -> list[int]:
    """So many requests on each of the threads: how often each had to open a connection."""
    opened, together = [0] * THREADS, threading.Barrier(THREADS)

    def serve(number: int) -> None:
        for _ in range(requests):
            together.wait(10)
            own = connections.own
            if own.connection is None:
                own.connection, opened[number] = object(), opened[number] + 1
            request_finished.send(None)
        together.wait(10)

    threads = [threading.Thread(target=serve, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(opened)


def test_a_few_threads_keep_theirs_and_the_others_close_it_behind_each_request(connections: PerThread) -> None:
    assert in_threads(connections, 3) == [1] * MOST_KEPT + [3] * (THREADS - MOST_KEPT)


def test_threads_that_have_ended_leave_their_places_to_others(connections: PerThread) -> None:
    in_threads(connections, 1)

    assert in_threads(connections, 2) == [1] * MOST_KEPT + [2] * (THREADS - MOST_KEPT)


def test_within_a_transaction_nothing_is_closed(connections: PerThread) -> None:
    own = connections.own
    own.connection, own.in_atomic_block = object(), True
    close_surplus()

    assert own.has_closed is False


def test_a_process_that_serves_nobody_keeps_its_connection(connections: PerThread) -> None:
    process_mode.stop_serving()
    in_threads(connections, 1)

    assert in_threads(connections, 2) == [1] * THREADS
