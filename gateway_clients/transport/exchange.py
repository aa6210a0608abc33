"""One request and its answer on a non-blocking connection, one step at a time."""

import errno
import select
import socket
from collections.abc import Callable
from enum import Enum, auto

from gateway_clients.conf import UpstreamConf
from gateway_clients.errors import UpstreamConnectionError, UpstreamTimeoutError, UpstreamUnavailableError
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.connecting import Connecting
from gateway_clients.transport.lines import Line, Lines
from gateway_clients.transport.mapping import FOREIGN, ours
from gateway_clients.transport.messages import Answer, Outgoing, decoded
from gateway_clients.transport.reading import AnswerReader


class Stage(Enum):
    """Where an exchange is."""

    CONNECTING = auto()
    WRITING = auto()
    READING = auto()
    DONE = auto()


class Exchange:
    """Goes on whenever its socket is ready; ends with `answer` or `error`, at the latest at its deadline."""

    def __init__(self, outgoing: Outgoing, conf: UpstreamConf, lines: Lines, deadline: Deadline) -> None:
        self.outgoing = outgoing
        self.deadline = deadline
        self.stage = Stage.CONNECTING
        self.answer: Answer | None = None
        self.error: UpstreamUnavailableError | None = None
        self._conf = conf
        self._lines = lines
        self._line: Line | None = None
        self._connecting: Connecting | None = None
        self._left = b""
        self._reader = AnswerReader(max_bytes=conf.max_bytes)
        self._has_sent = False

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return self.stage is Stage.DONE

    @property
    def connection(self) -> socket.socket | None:
        """The socket to watch; None while the host is being looked up."""
        if self._connecting is not None:
            return self._connecting.connection
        return self._line.connection if self._line is not None else None

    @property
    def interest(self) -> int:
        """What to watch it for: poll's event mask."""
        return select.POLLIN if self.stage is Stage.READING else select.POLLOUT

    @property
    def expires_at(self) -> float:
        """When `expire` is to be called."""
        return self._connecting.expires_at if self._connecting is not None else self.deadline.at

    def start(self) -> None:
        """Writes on a kept connection, or begins to make one."""
        self._left = _encoded(self.outgoing, self._lines)
        line = self._lines.take()
        if line is None:
            self._guarded(self._connect)
        else:
            self._line, self.stage = line, Stage.WRITING
            self._guarded(self._write)

    def go_on(self) -> None:
        """Does what can be done now without waiting."""
        self._guarded(self._step)

    def expire(self) -> None:
        """The time is over: of one address while connecting, which may have others, or of all."""
        if self._connecting is not None:
            self._guarded(self._give_up_address)
        else:
            self._fail(UpstreamTimeoutError(self._conf.name, was_sent=self._has_sent))

    def abandon(self) -> None:
        """Nobody wants the answer any more."""
        if not self.is_done:
            self._fail(UpstreamConnectionError(self._conf.name, was_sent=self._has_sent))

    def _guarded(self, step: Callable[[], None]) -> None:
        """Takes a step; foreign exceptions become ours, a stale kept connection costs a new one."""
        try:
            step()
        except FOREIGN as error:
            if self._is_stale(error):
                self._drop_line()
                self._left = _encoded(self.outgoing, self._lines)
                self._has_sent = False
                self._guarded(self._connect)
            else:
                self._fail(ours(self._conf.name, error, was_sent=self._has_sent))

    def _is_stale(self, error: BaseException) -> bool:
        is_unused = not self._reader.has_begun and self._line is not None and self._line.is_reused
        return is_unused and isinstance(error, OSError) and self.outgoing.may_resend

    def _step(self) -> None:
        match self.stage:
            case Stage.CONNECTING:
                self._take_line(self._connecting.go_on() if self._connecting is not None else None)
            case Stage.WRITING:
                self._write()
            case Stage.READING:
                self._read()
            case Stage.DONE:
                pass

    def _connect(self) -> None:
        self.stage = Stage.CONNECTING
        self._connecting = Connecting(self._lines, self.deadline.sooner(self._conf.connect_seconds))
        self._step()

    def _give_up_address(self) -> None:
        assert self._connecting is not None
        self._take_line(self._connecting.expire())

    def _take_line(self, line: Line | None) -> None:
        if line is not None:
            self._line, self._connecting, self.stage = line, None, Stage.WRITING
            self._write()

    def _write(self) -> None:
        assert self._line is not None
        self._has_sent = True
        try:
            count = self._line.connection.send_now(self._left)
        except BlockingIOError:
            return
        self._left = self._left[count:]
        if not self._left:
            self.stage = Stage.READING

    def _read(self) -> None:
        """One piece, so that an upstream that sends much keeps nobody else's answer waiting."""
        assert self._line is not None
        try:
            data = self._line.connection.receive_now()
        except BlockingIOError:
            return
        if data:
            self._reader.feed(data)
        elif not self._reader.end():
            raise ConnectionResetError(errno.ECONNRESET, "ended early")
        if self._reader.is_complete:
            self._succeed()

    def _succeed(self) -> None:
        reader = self._reader
        encoding = reader.headers.get("content-encoding")
        body = decoded(reader.body, encoding, max_bytes=self._conf.max_bytes)
        self.answer = Answer(reader.status, reader.headers, body)
        self.stage = Stage.DONE
        line, self._line = self._line, None
        if line is not None and reader.may_keep_line:
            self._lines.keep(line)
        elif line is not None:
            line.close()

    def _fail(self, error: UpstreamUnavailableError) -> None:
        self.error = error
        self._drop_line()
        self.stage = Stage.DONE

    def _drop_line(self) -> None:
        if self._connecting is not None:
            self._connecting.close()
            self._connecting = None
        if self._line is not None:
            self._line.close()
            self._line = None


def _encoded(outgoing: Outgoing, lines: Lines) -> bytes:
    """The request's bytes."""
    start = f"{outgoing.method} {lines.path}{outgoing.target} HTTP/1.1\r\nHost: {lines.netloc}\r\n"
    head = f"{start}{outgoing.lines_to_send}\r\n".encode("latin-1")
    return head if outgoing.body is None else head + outgoing.body
