"""Connections to Redis for scripts alone: past the client's pool, retries and hooks, which cost as much as the trip."""

import errno
import os
import socket
import threading
from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from hiredis import Reader, pack_command
from redis import Connection, ConnectionPool
from redis.exceptions import InvalidResponse, NoScriptError, RedisError, ResponseError

from gateway_clients.caching.scripts import ScriptCall
from gateway_clients.prompt_socket import PatientSocket

#: What the reader says while an answer is not whole.
_NOT_YET: Final = object()


class PromptConnection(Connection):
    """A plain TCP connection on a socket that lets other threads run only while it waits."""

    prompt: PatientSocket
    reader: Reader

    def _connect(self) -> socket.socket:
        """redis-py's place to make the socket."""
        made: socket.socket = super()._connect()  # type: ignore[no-untyped-call]
        self.prompt = PatientSocket(fileno=made.detach())
        self.prompt.settimeout(self.socket_timeout)
        self.reader = Reader(protocolError=InvalidResponse, replyError=_refusal, notEnoughData=_NOT_YET)
        return self.prompt

    def answers(self, count: int) -> list[Any]:
        """Waits for what Redis says to so many commands; its errors among it. Raises RedisError, OSError."""
        answers: list[Any] = []
        try:
            while len(answers) < count:
                answer = self.reader.gets()
                if answer is _NOT_YET:
                    self.reader.feed(self._received())
                else:
                    answers.append(answer)
        except BaseException:
            self.disconnect()  # type: ignore[no-untyped-call]
            raise
        return answers

    def _received(self) -> bytes:
        data = self.prompt.receive()
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "Redis has closed the connection")
        return data


def _refusal(text: str) -> ResponseError:
    return NoScriptError(text) if text.startswith("NOSCRIPT") else ResponseError(text)


class ScriptLane:
    """The idle connections of one pool's Redis, the last used first; as many as threads have asked at once."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._make = pool.connection_class
        self._options = pool.connection_kwargs
        self._idle: list[Any] = []

    def run(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """Runs scripts by their hashes, in one round trip; another loads those that Redis does not know.

        Raises RedisError when all of them have been run, OSError.
        """
        connection = self._taken()
        answers = _answers(connection, [("EVALSHA", call.script.sha1, call) for call in calls])
        unknown = [number for number, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            loaded = _answers(connection, [("EVAL", calls[number].script.source, calls[number]) for number in unknown])
            for number, answer in zip(unknown, loaded, strict=True):
                answers[number] = answer
        self._idle.append(connection)
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers

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


def _answers(connection: Any, commands: Sequence[tuple[str, str, ScriptCall]]) -> list[Any]:
    """What Redis says to each, also when it is an error, so that no answer is left behind on the connection."""
    packed = [_packed(name, script, len(call.keys), *call.keys, *call.args) for name, script, call in commands]
    connection.send_packed_command([b"".join(packed)], check_health=False)
    if isinstance(connection, PromptConnection):
        return connection.answers(len(commands))
    return [_answer(connection) for _ in commands]


def _packed(*words: str | bytes | int) -> bytes:
    command: Any = words  # hiredis takes any number of them, and says that it takes one
    packed: bytes = pack_command(command)
    return packed


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


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
