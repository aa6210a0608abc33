"""Connections to Redis for scripts alone, past redis-py's pool, retries and hooks.

Measured (`tests.bench.pairs`, 2026-11-29): `evalsha` in a pipeline of redis-py's takes 1.224 ±
0.018 times as much processor time for a kept dashboard (warm-rest), 1.128 ± 0.013 times for one
that is asked for (cold-rest).
"""

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final
from weakref import WeakKeyDictionary

from hiredis import pack_command
from redis import ConnectionPool
from redis.exceptions import NoScriptError, RedisError, ResponseError

from gateway_clients.redis_access.connection import KeptConnection, NonblockingConnection
from gateway_clients.redis_access.script import ScriptCall
from gateway_clients.redis_access.server_identity import server_at


class ScriptPool:
    """Idle connections to one pool's Redis, the last used first; as many as threads have used at once."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._make = pool.connection_class
        self._options = pool.connection_kwargs
        self._idle: list[Any] = []

    def run(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """Runs scripts by their hashes in one round trip; a second one loads those that Redis does not know.

        Raises RedisError once all of them have run, OSError.
        """
        connection = self._taken()
        _send(connection, [("EVALSHA", call.script.sha1, call) for call in calls])
        answers = _answers(connection, len(calls))
        unknown = [number for number, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            _send(connection, [("EVAL", calls[number].script.source, calls[number]) for number in unknown])
            for number, answer in zip(unknown, _answers(connection, len(unknown)), strict=True):
                answers[number] = answer
        self._keep(connection)
        for answer in answers:
            if isinstance(answer, RedisError):
                raise answer
        return answers

    def close_idle(self) -> None:
        """Closes the idle connections."""
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().disconnect()

    def _keep(self, connection: Any) -> None:
        """Keeps a connection for the next call, and closes the one that was idle for longest if that was too long."""
        self._idle.append(connection)
        with suppress(IndexError, ValueError):  # other threads have taken it, or all
            oldest = self._idle[0]
            if oldest is not connection and _is_stale(oldest):
                self._idle.remove(oldest)
                oldest.disconnect()

    def _taken(self) -> Any:
        """Returns a connection that is not stale and not closed by Redis."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            if not _is_stale(connection) and _is_quiet(connection):
                return connection
            connection.disconnect()
        connection = self._make(**self._options)
        connection.connect()
        return connection


def _send(connection: Any, commands: Sequence[tuple[str, str, ScriptCall]]) -> None:
    packed = [_packed(name, script, len(call.keys), *call.keys, *call.args) for name, script, call in commands]
    connection.send_packed_command([b"".join(packed)], check_health=False)


def _answers(connection: Any, count: int) -> list[Any]:
    """Reads one answer for each command, errors too, so that none stays unread on the connection."""
    if isinstance(connection, NonblockingConnection):
        return connection.answers(count)
    return [_answer(connection) for _ in range(count)]


def _packed(*words: str | bytes | int) -> bytes:
    command: Any = words  # hiredis takes any number of them, and says that it takes one
    packed: bytes = pack_command(command)
    return packed


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


def _is_stale(connection: Any) -> bool:
    return isinstance(connection, KeptConnection) and connection.is_stale


def _is_quiet(connection: Any) -> bool:
    """Returns whether no input is waiting on an idle connection."""
    if isinstance(connection, NonblockingConnection):
        return connection.is_quiet
    try:
        return not connection.can_read()
    except RedisError:
        return False


_pools: Final[WeakKeyDictionary[ConnectionPool, ScriptPool]] = WeakKeyDictionary()
_lock: Final = threading.Lock()
os.register_at_fork(after_in_child=_pools.clear)


def script_pool_of(pool: ConnectionPool) -> ScriptPool:
    """Returns the ScriptPool beside this pool; a forked process makes its own."""
    scripts = _pools.get(pool)
    if scripts is None:
        with _lock:
            scripts = _pools.setdefault(pool, ScriptPool(pool))
    return scripts


def forget_connections(pool: ConnectionPool) -> None:
    """Closes a pool's idle connections and those for its scripts; connections in use are closed after their use."""
    options = pool.connection_kwargs
    address = options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
    server_at(address, options.get("db", 0)).forget_connections()
    script_pool_of(pool).close_idle()
    pool.disconnect(inuse_connections=False)
