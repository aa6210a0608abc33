"""The connections of a worker, whose clients keep it waiting, with real sockets; and the places of those who wait."""

import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bff_project.processes.bodies import MOST_SECONDS, PATIENCE_SECONDS, BodyPlaces, ClockedBody
from bff_project.processes.connections import Connection, Connections, one_form
from bff_project.processes.doorkeeper import Doorkeeper
from gateway_clients.errors import GatewayOverloadedError
from tests.support.clock import FakeClock
from tests.support.waiting import wait_until

#: Another process that writes to the same database.
WRITE = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"


class Accepting:
    """A listening socket, its clients, and what it has accepted of them."""

    def __init__(self, family: socket.AddressFamily, address: str) -> None:
        self.listener = socket.socket(family)
        self.listener.bind((address, 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.connections = Connections(self.port)
        self.clients: list[socket.socket] = []
        self.accepted: list[socket.socket] = []

    def add(self, count: int = 1) -> socket.socket:
        for _ in range(count):
            self.clients.append(socket.create_connection(("127.0.0.1", self.port)))
            self.accepted.append(self.listener.accept()[0])
        return self.clients[-1]

    def of(self, client: socket.socket) -> Connection:
        number = self.accepted[self.clients.index(client)].fileno()
        return next(each for each in self.connections.all() if each.descriptor == number)

    @property
    def open(self) -> list[int]:
        """The numbers of the clients that nobody has hung up on."""
        return [number for number, client in enumerate(self.clients) if not is_closed(client)]

    def close(self) -> None:
        for each in (self.listener, *self.clients, *self.accepted):
            each.close()


def is_closed(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::")], ids=["IPv4", "both"])
def accepting(request: pytest.FixtureRequest) -> Iterator[Accepting]:
    made = Accepting(*request.param)
    yield made
    made.close()


def test_a_connection_is_known_with_its_client_and_whose_turn_it_is(accepting: Accepting) -> None:
    client = accepting.add()
    before = accepting.of(client)
    client.sendall(b"GET")
    wait_until(lambda: accepting.of(client).is_owed_an_answer)
    asked = accepting.of(client)
    wait_until(lambda: accepting.of(client).unheard_seconds > 0.05)
    accepting.accepted[0].sendall(b"200")
    wait_until(lambda: not accepting.of(client).is_owed_an_answer)

    assert (before.client, before.was_heard, before.is_owed_an_answer) == ("127.0.0.1", False, False)
    assert (asked.client, asked.was_heard) == ("127.0.0.1", True)
    assert list(Connections(1).all()) == []


def test_who_is_hung_up_on_is_the_client_that_was_waited_for(accepting: Accepting) -> None:
    older, waited_for, idle = accepting.add(), accepting.add(), accepting.add()
    older.sendall(b"POST")
    wait_until(lambda: accepting.of(older).unanswered_seconds > 0.4)
    accepting.accepted[1].sendall(b"answer of the request before")
    waited_for.recv(64)
    waited_for.sendall(b"POST")
    wait_until(lambda: accepting.of(waited_for).unanswered_seconds > 0.2)
    waited = accepting.of(waited_for).unanswered_seconds

    assert not accepting.connections.hang_up_on_reader("127.0.0.2", waited)
    assert accepting.connections.hang_up_on_reader("::ffff:127.0.0.1", waited)
    wait_until(lambda: is_closed(waited_for))
    assert not is_closed(older)
    assert not is_closed(idle)


def test_room_is_made_by_the_most_silent_and_before_them_by_those_that_are_owed_nothing(accepting: Accepting) -> None:
    asking = accepting.add()
    asking.sendall(b"GET")
    accepting.add(2)
    wait_until(lambda: accepting.of(accepting.clients[2]).silent_seconds > 0.1)
    accepting.add(3)

    assert accepting.connections.make_room(4, silent_seconds=0.1) == 2
    wait_until(lambda: accepting.open == [0, 3, 4, 5])
    assert accepting.connections.make_room(0, silent_seconds=60) == 0


def test_the_doorkeeper_makes_room_once_there_are_too_many(accepting: Accepting) -> None:
    hung_up: list[str] = []
    places = BodyPlaces(1, hang_up=lambda client, _: hung_up.append(client))
    accepting.add(8)
    wait_until(lambda: all(each.silent_seconds > 1 for each in accepting.connections.all()))
    files = accepting.connections.open_files

    Doorkeeper(accepting.connections, places, most=files + 1, longest_seconds=300).look()
    assert len(accepting.open) == 8
    Doorkeeper(accepting.connections, places, most=7, longest_seconds=300).look()
    wait_until(lambda: len(accepting.open) < 8)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(0.0)


def test_too_many_who_wait_are_shed_until_one_of_them_has_waited_for_long(clock: FakeClock) -> None:
    hung_up: list[tuple[str, float]] = []
    places = BodyPlaces(2, hang_up=lambda client, seconds: hung_up.append((client, seconds)), clock=clock)
    first = places.enter("a", is_begun=False)
    clock.now = 0.5
    second = places.enter("b", is_begun=False)
    clock.now = PATIENCE_SECONDS - 0.1
    with pytest.raises(GatewayOverloadedError):
        places.enter("c", is_begun=False)
    clock.now = PATIENCE_SECONDS
    places.enter("d", is_begun=False)

    assert hung_up == [("a", PATIENCE_SECONDS)]
    assert (first.is_given_up, second.is_given_up) == (True, False)
    places.leave(first)
    places.leave(second)
    places.enter("e", is_begun=False)


def test_a_body_that_has_begun_to_come_needs_no_place(clock: FakeClock) -> None:
    places = BodyPlaces(1, hang_up=lambda *_: None, clock=clock)
    places.enter("a", is_begun=False)

    places.enter("b", is_begun=True)


def test_nobody_waits_for_longer_than_the_most_and_is_hung_up_on_until_it_is_over(clock: FakeClock) -> None:
    hung_up: list[str] = []
    places = BodyPlaces(8, hang_up=lambda client, _: hung_up.append(client), clock=clock)
    slow = places.enter("a", is_begun=True)
    clock.now = 1.0
    places.enter("b", is_begun=False)
    clock.now = MOST_SECONDS
    for _ in range(2):
        places.end_late_waits()
    assert hung_up == ["a", "a"]
    places.leave(slow)
    places.end_late_waits()
    assert hung_up == ["a", "a"]


class Input:
    def __init__(self, *pieces: bytes, meanwhile: Callable[[], object] = lambda: None) -> None:
        self._pieces = list(pieces)
        self._meanwhile = meanwhile

    def read(self, size: int | None = None) -> bytes:
        self._meanwhile()
        return self._pieces.pop(0) if self._pieces else b""


def test_a_body_is_handed_on_as_it_is_read(clock: FakeClock) -> None:
    places = BodyPlaces(1, hang_up=lambda *_: None, clock=clock)
    body = ClockedBody(Input(b"one", b"two"), places, "a")

    assert [body.read(3), body.read(), body.read()] == [b"one", b"two", b""]
    assert ClockedBody(Input(*[bytes([letter]) for letter in b"ab\ncd"]), places, "a").readline() == b"ab\n"


def test_a_body_that_was_given_up_is_no_body(clock: FakeClock) -> None:
    places = BodyPlaces(1, hang_up=lambda *_: None, clock=clock)

    def late() -> None:
        clock.now += MOST_SECONDS
        places.end_late_waits()

    with pytest.raises(TimeoutError):
        ClockedBody(Input(b"half", meanwhile=late), places, "a").read()


@pytest.mark.parametrize(
    ("address", "form"), [("::ffff:10.0.0.1", "10.0.0.1"), ("10.0.0.1", "10.0.0.1"), ("::1", "::1"), ("", "")]
)
def test_an_address_is_compared_in_one_form(address: str, form: str) -> None:
    assert one_form(address) == form


def test_a_crowd_may_wait_for_a_moment_and_then_a_few_go_on() -> None:
    hung_up, now = [], [0.0]
    places = BodyPlaces(1, crowd=3, hang_up=lambda client, _: hung_up.append(client), clock=lambda: now[0])
    for client in ("a", "b", "c"):
        places.enter(client, is_begun=False)
        now[0] += 0.1
    with pytest.raises(GatewayOverloadedError):
        places.enter("d", is_begun=False)

    places.end_late_waits()
    assert hung_up == []
    now[0] = 2.0
    places.end_late_waits()
    assert hung_up == ["a", "b"]


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_looking_at_connections_leaves_the_locks_of_the_database_alone(
    accepting: Accepting, tmp_path: Path, journal: str
) -> None:
    database = tmp_path / "db.sqlite3"
    accepting.add()
    with closing(sqlite3.connect(database, isolation_level=None)) as own:
        own.execute(f"PRAGMA journal_mode={journal}")
        own.execute("CREATE TABLE rows (number INTEGER)")
        own.execute("BEGIN IMMEDIATE")
        own.execute("INSERT INTO rows VALUES (1)")
        list(accepting.connections.all())
        other = subprocess.run(
            [sys.executable, "-c", WRITE, str(database)], capture_output=True, text=True, check=False
        )
        own.execute("COMMIT")

    assert "database is locked" in other.stderr
