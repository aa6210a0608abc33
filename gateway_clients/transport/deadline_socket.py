"""A socket whose timeout is for the whole answer, or for each step of a stream, and never for each read alone."""

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import AnswerTooLargeError


class _RequestProgress(threading.local):
    """The request of this thread: its deadline, and how far it came."""

    deadline: Deadline | None = None
    step_seconds: float | None = None
    must_dial = False
    is_reused = False
    has_sent = False
    has_received = False
    socket: "DeadlineSocket | None" = None

    @contextmanager
    def of(self, deadline: Deadline, *, must_dial: bool = False, step_seconds: float | None = None) -> "Iterator[None]":
        """Sets the deadline of this thread's request while the block runs.

        `must_dial`: it needs a new connection. `step_seconds`: it is a stream, whose first step may take that long.
        """
        self.deadline, self.must_dial, self.step_seconds = deadline, must_dial, step_seconds
        self.is_reused = self.has_sent = self.has_received = False
        self.socket = None
        try:
            yield
        finally:
            self.deadline, self.must_dial, self.step_seconds = None, False, None


request_progress = _RequestProgress()


class _DeadlineReader(io.RawIOBase):
    """Reads from a DeadlineSocket until its time or its bytes are used up."""

    def __init__(self, clocked: "DeadlineSocket", raw: Any) -> None:
        super().__init__()
        self._clocked = clocked
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._clocked.wind()
        count: int | None = self._raw.readinto(buffer)
        if count:
            request_progress.has_received = True
            self._clocked.take(count)
        elif self._clocked.is_in_head:
            # http.client would take the end of the connection for the end of the head.
            raise ConnectionResetError("ended in the head")
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class DeadlineSocket:
    """A socket whose `settimeout`, in seconds, covers all operations until it is set again.

    Once `pace` was called, only `pace` starts the clock, for each step. Raises TimeoutError when the time is over.
    """

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._ends_at: float | None = None
        self._bytes_left = 0
        self.is_in_head = False
        self.is_paced = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def settimeout(self, seconds: float | None) -> None:
        """Starts the clock, unless it is paced: urllib3 would give each read from the socket a time of its own."""
        if not self.is_paced:
            self._ends_at = None if seconds is None else time.monotonic() + seconds
            self._inner.settimeout(seconds)

    def pace(self, seconds: float) -> None:
        """Starts the clock of the next step, which may take `seconds`."""
        self.is_paced = True
        self._ends_at = time.monotonic() + seconds

    def wind(self) -> None:
        """Sets the rest of the time as the timeout of the next operation. Raises TimeoutError."""
        if self._ends_at is None:
            return
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._inner.settimeout(left)

    def allow(self, size: int) -> None:
        """Sets how many bytes may be read from now on."""
        self._bytes_left = size

    def take(self, size: int) -> None:
        """Counts bytes that were read. Raises AnswerTooLargeError when they are too many."""
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise AnswerTooLargeError

    def sendall(self, data: Any) -> None:
        """Sends all of the data within the time. Raises TimeoutError."""
        left = memoryview(data).cast("B")
        while left:
            self.wind()
            left = left[self._inner.send(left) :]

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """Returns a reader that keeps to the time."""
        return io.BufferedReader(_DeadlineReader(self, self._inner.makefile("rb", buffering=0)))
