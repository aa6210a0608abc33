"""Connections to Redis by scheme, with nothing on them that was not asked for, and none that is too old or idle."""

import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from redis import ConnectionPool, Redis
from redis.exceptions import InvalidResponse
from redis.exceptions import TimeoutError as RedisTimeoutError

from gateway_clients.redis_access import connection as connection_module
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit
from gateway_clients.redis_access.connection import NonblockingConnection, pool_options
from gateway_clients.redis_access.script import Script, ScriptCall
from gateway_clients.redis_access.script_pool import ScriptPool, script_pool_of
from tests.support.calls import at_once
from tests.support.clock import FakeClock
from tests.support.fake_redis import FakeRedis, bulk
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

ECHO = Script("return {KEYS[1], ARGV[1], #ARGV}")
#: A notice of maintenance, as managed servers push it to connections of the protocol's third version.
PUSH = b">4\r\n$6\r\nMOVING\r\n:1\r\n:15\r\n$14\r\n127.0.0.1:7001\r\n"


def pool_of(url: str, **changes: Any) -> ConnectionPool:
    return ConnectionPool.from_url(url, **{**pool_options(url, timeout_seconds=0.5, most=20), **changes})


def asked(lane: ScriptPool, key: str) -> Any:
    (answer,) = lane.run([ScriptCall(ECHO, [key], [1])])
    return answer


@pytest.fixture
def fake() -> Iterator[FakeRedis]:
    """Answers each script with its first key."""
    server = FakeRedis(lambda command: bulk(command[3].decode()) if command[0] == b"EVALSHA" else None)
    yield server
    server.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    made = FakeClock()
    monkeypatch.setattr(connection_module, "time", made)
    return made


def test_a_push_between_answers_is_nobodys_answer(fake: FakeRedis) -> None:
    lane = ScriptPool(pool_of(fake.url))
    assert asked(lane, "warm") == b"warm"
    echo = fake.answer

    def answer(command: list[bytes]) -> bytes | None:
        said = echo(command)
        return said if command[0] != b"EVALSHA" or said is None else PUSH + said + PUSH

    fake.answer = answer
    calls = [ScriptCall(ECHO, [key], []) for key in ("a", "b")]

    assert [lane.run(calls), asked(lane, "c")] == [[b"a", b"b"], b"c"]
    assert len(fake.commands) == 1


def test_a_connection_on_which_something_came_unasked_is_not_used(fake: FakeRedis) -> None:
    lane = ScriptPool(pool_of(fake.url))
    assert asked(lane, "warm") == b"warm"
    (connection,) = lane._idle
    fake.push(bulk("for somebody else"))
    wait_until(connection.prompt.has_input)

    assert [asked(lane, "a"), asked(lane, "b")] == [b"a", b"b"]
    assert len(fake.commands) == 2


def test_more_answers_than_questions_are_an_error_and_end_the_connection(fake: FakeRedis) -> None:
    lane = ScriptPool(pool_of(fake.url))
    fake.answer = lambda command: bulk("another's") + bulk("mine") if command[0] == b"EVALSHA" else None
    with pytest.raises(InvalidResponse):
        asked(lane, "a")
    fake.answer = lambda command: bulk(command[3].decode()) if command[0] == b"EVALSHA" else None

    assert [asked(lane, "b"), asked(lane, "c")] == [b"b", b"c"]
    assert len(fake.commands) == 2


@pytest.mark.parametrize("way", ["a script", "a command"])
def test_nothing_but_the_second_version_of_the_protocol_is_asked_for(fake: FakeRedis, way: str) -> None:
    pool = pool_of(fake.url)
    _ = asked(script_pool_of(pool), "a") if way == "a script" else Redis(connection_pool=pool).set("key", "value")

    ((*commands,),) = fake.commands
    assert not {b"HELLO", b"TRACKING", b"MAINT_NOTIFICATIONS"} & {word for command in commands for word in command}


@pytest.mark.parametrize("quiet_seconds", [connection_module.IDLE_SECONDS + 1, connection_module.MAX_AGE_SECONDS + 1])
@pytest.mark.parametrize("way", ["a script", "a command"])
def test_a_connection_that_was_idle_for_too_long_is_closed_and_another_made(
    fake: FakeRedis, clock: FakeClock, way: str, quiet_seconds: float
) -> None:
    """A firewall forgets idle connections: what is sent on one gets no answer, and no refusal either."""
    pool = pool_of(fake.url)
    redis = Redis(connection_pool=pool)

    def ask() -> Any:
        return asked(script_pool_of(pool), "a") if way == "a script" else redis.set("key", "value")

    ask()
    clock.advance(connection_module.IDLE_SECONDS)
    ask()
    assert len(fake.commands) == 1
    clock.advance(quiet_seconds)
    ask()
    assert len(fake.commands) == 2


@pytest.mark.parametrize("way", ["a script", "a command"])
def test_a_connection_in_use_all_the_time_is_made_anew_after_a_while(
    fake: FakeRedis, clock: FakeClock, way: str
) -> None:
    pool = pool_of(fake.url)
    redis = Redis(connection_pool=pool)
    for _ in range(100):
        _ = asked(script_pool_of(pool), "a") if way == "a script" else redis.set("key", "value")
        clock.advance(1.0)

    assert len(fake.commands) == 2


def test_those_that_nobody_takes_are_closed_by_and_by(fake: FakeRedis, clock: FakeClock) -> None:
    lane = ScriptPool(pool_of(fake.url))
    several = [lane._taken() for _ in range(4)]
    for connection in several:
        lane._keep(connection)
    for _ in range(5):
        clock.advance(connection_module.IDLE_SECONDS / 2)
        asked(lane, "a")

    assert [connection.is_connected for connection in several] == [False, False, False, True]


def test_a_unix_socket_carries_scripts_and_commands(redis_server: RedisServer, tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    redis_server.kill()
    redis_server.start(f"unixsocket {path}")
    pool = pool_of(f"unix://{path}?db=3")
    redis = Redis(connection_pool=pool)

    assert asked(script_pool_of(pool), "key") == [b"key", b"1", 1]
    assert redis.set("key", "value")
    assert Redis(port=redis_server.port, db=3).get("key") == b"value"
    (connection,) = script_pool_of(pool)._idle
    assert isinstance(connection, NonblockingConnection)


def test_redis_behind_a_unix_socket_may_die_and_come_back(redis_server: RedisServer, tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    redis = Redis(connection_pool=pool_of(f"unix://{path}"))
    circuit = RedisCircuit(lambda: redis)
    with pytest.raises(CacheDownError):
        circuit.script(ECHO, ["key"], [1])
    assert circuit.is_down


class Names:
    """The system's look-up of names ending in `.test`, as a test has it: how often it was asked, and when it answers.

    Threads of the process that look up other names go on.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.count = 0
        self._system = socket.getaddrinfo
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, host: str, *rest: Any, **options: Any) -> Any:
        if not host.endswith(".test"):
            return self._system(host, *rest, **options)
        self.count += 1
        self.may_answer.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", self.port))]


@pytest.fixture
def names(fake: FakeRedis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    made = Names(fake.port)
    monkeypatch.setattr(socket, "getaddrinfo", made)
    yield made
    made.may_answer.set()


@pytest.mark.alone
def test_a_look_up_that_hangs_costs_one_timeout_and_is_made_once(names: Names) -> None:
    names.may_answer.clear()
    pool = pool_of("redis://never-known.test/0", socket_connect_timeout=0.1)
    began = time.monotonic()
    errors = [each.error for each in at_once(8, lambda: asked(script_pool_of(pool), "a"))]

    assert time.monotonic() - began < 1.0
    assert {type(error) for error in errors} == {RedisTimeoutError}
    assert names.count == 1
    names.may_answer.set()
    assert asked(script_pool_of(pool), "a") == b"a"


def test_while_nobody_tells_where_it_leads_now_redis_is_where_it_was(names: Names, fake: FakeRedis) -> None:
    url = f"redis://{uuid.uuid4().hex}.test/0"
    assert asked(ScriptPool(pool_of(url)), "a") == b"a"
    names.may_answer.clear()

    assert asked(ScriptPool(pool_of(url, socket_connect_timeout=0.05)), "b") == b"b"
    assert len(fake.commands) == 2


def test_settings_choose_the_class_by_the_scheme(settings: Settings) -> None:
    options = settings.CACHES["default"]["OPTIONS"]["CONNECTION_POOL_KWARGS"]
    assert (options["connection_class"], options["protocol"]) == (connection_module.NonblockingTCPConnection, 2)
