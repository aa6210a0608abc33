"""Connections to Redis for scripts alone: past the client's pool, retries and hooks, which cost as much as the trip."""

import os
import socket
import threading
from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from redis import Connection, ConnectionPool
from redis.exceptions import NoScriptError, RedisError, ResponseError

from gateway_clients.caching.scripts import Script
from gateway_clients.prompt_socket import PatientSocket


class PromptConnection(Connection):
    """A plain TCP connection on a socket that lets other threads run only while it waits."""

    prompt: PatientSocket

    def _connect(self) -> socket.socket:
        """redis-py's place to make the socket."""
        made: socket.socket = super()._connect()  # type: ignore[no-untyped-call]
        self.prompt = PatientSocket(fileno=made.detach())
        self.prompt.settimeout(self.socket_timeout)
        return self.prompt


class ScriptLane:
    """The idle connections of one pool's Redis, the last used first; as many as threads have asked at once."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._make = pool.connection_class
        self._options = pool.connection_kwargs
        self._idle: list[Any] = []

    def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """Runs a script by its hash, and loads it where Redis does not know it. Raises RedisError."""
        connection = self._taken()
        try:
            try:
                answer = _answer(connection, "EVALSHA", script.sha1, len(keys), *keys, *args)
            except NoScriptError:
                answer = _answer(connection, "EVAL", script.source, len(keys), *keys, *args)
        except ResponseError:
            self._idle.append(connection)
            raise
        self._idle.append(connection)
        return answer

    def _taken(self) -> Any:
        """A connection that Redis has not closed meanwhile."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            if _is_quiet(connection):
                return connection
            connection.disconnect()
        connection = self._make(**self._options)
        connection.connect()
        return connection


def _answer(connection: Any, *command: str | bytes | int) -> Any:
    connection.send_packed_command(connection.pack_command(*command), check_health=False)
    return connection.read_response()


def _is_quiet(connection: Any) -> bool:
    """Whether nothing is to be read where nothing was asked for."""
    if isinstance(connection, PromptConnection):
        return not connection.prompt.has_input()
    try:
        return not connection.can_read()
    except RedisError:
        return False


_lanes: Final[WeakKeyDictionary[ConnectionPool, ScriptLane]] = WeakKeyDictionary()
_lock: Final = threading.Lock()
os.register_at_fork(after_in_child=_lanes.clear)


def lane_of(pool: ConnectionPool) -> ScriptLane:
    """The connections for scripts beside this pool's; a process that was forked makes its own."""
    lane = _lanes.get(pool)
    if lane is None:
        with _lock:
            lane = _lanes.setdefault(pool, ScriptLane(pool))
    return lane
