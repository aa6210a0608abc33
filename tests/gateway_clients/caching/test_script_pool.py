"""The connections for scripts: kept, made anew when Redis has closed them, one for each who asks at the same time."""

import os
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings
from redis import ConnectionPool, Redis
from redis.exceptions import ResponseError

from gateway_clients.redis_access.script import Script, ScriptCall
from gateway_clients.redis_access.script_pool import ScriptPool, script_pool_of
from tests.support.calls import at_once

ECHO = Script("return {KEYS[1], ARGV[1], #ARGV}")
FAILING = Script("return redis.call('INCR', KEYS[1], 'too', 'many')")
SLOW = Script("local n = 0 for i = 1, 50000 do n = n + i end return ARGV[1]")


def one(lane: ScriptPool, script: Script, keys: list[str], args: list[Any]) -> Any:
    """What one script alone answers."""
    (answer,) = lane.run([ScriptCall(script, keys, args)])
    return answer


@pytest.fixture
def name() -> str:
    """What the connections of a test call themselves."""
    return f"lane-{uuid.uuid4().hex}"


@pytest.fixture(params=["the settings' connections", "redis-py's own"])
def pool(request: pytest.FixtureRequest, settings: Settings, name: str) -> ConnectionPool:
    """A pool as the settings make it, and one of connections such as those over TLS, which are redis-py's own."""
    options = settings.CACHES["default"]["OPTIONS"]["CONNECTION_POOL_KWARGS"]
    if request.param == "the settings' connections":
        return ConnectionPool.from_url(settings.REDIS_URL, client_name=name, **options)
    made = ConnectionPool.from_url(settings.REDIS_URL, client_name=name)
    assert made.connection_class is not options["connection_class"]
    return made


@pytest.fixture
def lane(pool: ConnectionPool) -> ScriptPool:
    return ScriptPool(pool)


def test_scripts_run_and_are_loaded_where_they_are_not_known(lane: ScriptPool, redis: Redis) -> None:
    redis.script_flush()
    for _ in range(2):
        assert one(lane, ECHO, ["key"], [b"\0\xff"]) == [b"key", b"\0\xff", 1]


def test_one_connection_serves_one_after_another_also_behind_an_error(
    lane: ScriptPool, redis: Redis, name: str
) -> None:
    for _ in range(5):
        with pytest.raises(ResponseError):
            one(lane, FAILING, ["key"], [])
        assert one(lane, ECHO, ["key"], [2])[1] == b"2"
    assert [client["name"] for client in redis.client_list()].count(name) == 1


def test_several_scripts_are_run_in_one_round_trip(
    lane: ScriptPool, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    one(lane, ECHO, ["warm"], [0])
    redis.script_flush()
    calls = [ScriptCall(ECHO, [key], [key]) for key in ("a", "b")]
    for _ in range(2):
        assert [answer[0] for answer in lane.run(calls)] == [b"a", b"b"]

    sent: list[Any] = []
    (connection,) = lane._idle
    send = connection.send_packed_command
    monkeypatch.setattr(connection, "send_packed_command", lambda said, **more: (sent.append(said), send(said, **more)))
    lane.run(calls)

    assert [len(each) for each in sent] == [1]


def test_a_script_that_fails_is_told_when_all_have_been_run(lane: ScriptPool, redis: Redis) -> None:
    key = uuid.uuid4().hex
    counting = Script("return redis.call('INCR', KEYS[1])")
    with pytest.raises(ResponseError):
        lane.run([ScriptCall(FAILING, [key], []), ScriptCall(counting, [key], [])])

    assert redis.get(key) == b"1"
    assert one(lane, counting, [key], []) == 2


def test_a_connection_that_redis_has_closed_costs_no_error(lane: ScriptPool, redis: Redis, name: str) -> None:
    one(lane, ECHO, ["key"], [1])
    (mine,) = (client for client in redis.client_list() if client["name"] == name)
    redis.client_kill_filter(_id=mine["id"])
    assert one(lane, ECHO, ["key"], [2])[1] == b"2"


def test_callers_at_the_same_time_get_their_own_answers(lane: ScriptPool) -> None:
    number = iter(range(1000))
    asked: Callable[[], tuple[int, bytes]] = lambda: (mine := next(number), one(lane, SLOW, [], [mine]))  # noqa: E731
    for each in at_once(12, asked):
        assert each.result is not None
        assert each.result[1] == str(each.result[0]).encode()


def test_a_pool_has_one_and_a_forked_process_another(pool: ConnectionPool) -> None:
    here = script_pool_of(pool)
    assert script_pool_of(pool) is here
    child = os.fork()
    if child == 0:
        os._exit(script_pool_of(pool) is here)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class TakenMeanwhile(list[Any]):
    """Others take all that is idle just before the one that was idle for longest is looked at."""

    def __getitem__(self, place: Any) -> Any:
        self.clear()
        return super().__getitem__(place)


def test_who_gives_a_connection_back_while_others_take_all_has_its_answer(lane: ScriptPool) -> None:
    at_once(2, lambda: one(lane, SLOW, [], [1]))
    lane._idle = TakenMeanwhile([*lane._idle, *lane._idle])

    assert one(lane, ECHO, ["key"], [1])[1] == b"1"
