"""Connections to Redis for scripts alone: past the client's pool, retries and hooks, which cost as much as the trip.

Who needs no answer leaves it on the connection: whoever takes that next reads it first.
"""

import os
import threading
from collections.abc import Callable, Sequence
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
    """The idle connections of one pool's Redis, the last used first; as many as threads have asked at once."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._make = pool.connection_class
        self._options = pool.connection_kwargs
        self._idle: list[Any] = []
        self._loaded: set[str] = set()

    def run(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """Runs scripts by their hashes, in one round trip; another loads those that Redis does not know.

        Raises RedisError when all of them have been run, OSError.
        """
        return self._waited(self._sent(calls), calls)

    def run_or_leave(self, calls: Sequence[ScriptCall], fire_and_forget_if: Callable[[], bool]) -> list[Any] | None:
        """The same; but None without waiting when `fire_and_forget_if`, asked once they have been sent, says so.

        It is not asked where Redis may have to be told a script.
        """
        connection = self._sent(calls)
        if self._can_leave(connection, calls) and fire_and_forget_if():
            connection.left_answers = len(calls)
            self._keep(connection)
            return None
        return self._waited(connection, calls)

    def close_idle(self) -> None:
        """Closes those that nobody uses now."""
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().disconnect()

    def _sent(self, calls: Sequence[ScriptCall]) -> Any:
        connection = self._taken()
        _send(connection, [("EVALSHA", call.script.sha1, call) for call in calls])
        return connection

    def _waited(self, connection: Any, calls: Sequence[ScriptCall]) -> list[Any]:
        answers = _answers(connection, len(calls))
        unknown = [number for number, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            self._loaded.clear()
            _send(connection, [("EVAL", calls[number].script.source, calls[number]) for number in unknown])
            for number, answer in zip(unknown, _answers(connection, len(unknown)), strict=True):
                answers[number] = answer
        self._keep(connection)
        _raise_refusal(answers)
        self._loaded.update(call.script.sha1 for call in calls)
        return answers

    def _can_leave(self, connection: Any, calls: Sequence[ScriptCall]) -> bool:
        return isinstance(connection, NonblockingConnection) and all(call.script.sha1 in self._loaded for call in calls)

    def _keep(self, connection: Any) -> None:
        """Keeps it for the next, and closes the one that was idle for longest where that was too long."""
        self._idle.append(connection)
        with suppress(IndexError, ValueError):  # other threads have taken it, or all
            oldest = self._idle[0]
            if oldest is not connection and _is_stale(oldest):
                self._idle.remove(oldest)
                oldest.disconnect()

    def _taken(self) -> Any:
        """A connection of use that Redis has not closed meanwhile, and on which nothing is left to be read."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            if self._is_ready(connection):
                return connection
            connection.disconnect()
        connection = self._make(**self._options)
        connection.connect()
        self._loaded.clear()
        return connection

    def _is_ready(self, connection: Any) -> bool:
        """Reads what is left. Raises RedisError, TimeoutError."""
        if _is_stale(connection):
            return False
        if isinstance(connection, NonblockingConnection) and connection.left_answers:
            try:
                self._read_left(connection)
            except TimeoutError:
                raise
            except OSError:
                return False
        return _is_quiet(connection)

    def _read_left(self, connection: NonblockingConnection) -> None:
        """A script that was forgotten at that moment was not run: what it would have stored is not kept."""
        answers = connection.answers(connection.left_answers)
        connection.left_answers = 0
        if any(isinstance(answer, NoScriptError) for answer in answers):
            self._loaded.clear()
            return
        try:
            _raise_refusal(answers)
        except RedisError:
            self._keep(connection)
            raise


def _raise_refusal(answers: Sequence[Any]) -> None:
    for answer in answers:
        if isinstance(answer, RedisError):
            raise answer


def _send(connection: Any, commands: Sequence[tuple[str, str, ScriptCall]]) -> None:
    packed = [_packed(name, script, len(call.keys), *call.keys, *call.args) for name, script, call in commands]
    connection.send_packed_command([b"".join(packed)], check_health=False)


def _answers(connection: Any, count: int) -> list[Any]:
    """What Redis says to each, also when it is an error, so that no answer is left behind on the connection."""
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
    """Whether nothing is to be read where nothing was asked for."""
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
    """The connections for scripts beside this pool's; a process that was forked makes its own."""
    scripts = _pools.get(pool)
    if scripts is None:
        with _lock:
            scripts = _pools.setdefault(pool, ScriptPool(pool))
    return scripts


def forget_connections(pool: ConnectionPool) -> None:
    """Closes the idle connections to a pool's Redis, its own and those for scripts; those in use end with their use."""
    options = pool.connection_kwargs
    address = options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
    server_at(address, options.get("db", 0)).forget_connections()
    script_pool_of(pool).close_idle()
    pool.disconnect(inuse_connections=False)
