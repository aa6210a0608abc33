"""Sockets with operations that never wait, and those that wait for their timeout."""

import math
import select
import socket
import time
from typing import Any, Final

from gateway_clients.runtime import libc
from gateway_clients.runtime.poll import wait_readable

#: As much is handed to the system at once.
SEND_BYTES: Final = 65_536
#: Seconds that are waited at a time where there is no timeout.
LONG_WAIT_SECONDS: Final = 60.0
#: A timeout is spent in so many waits. If the host was suspended, a wait is charged its nominal
#: length only, so that the peer, which stood still too, gets the next.
WAITS: Final = 2


class NonblockingSocket(socket.socket):
    """A connection with three operations that never wait."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        super().setblocking(False)

    def send_now(self, data: bytes) -> int:
        """Sends as much as goes. Raises BlockingIOError when nothing does, OSError."""
        return libc.send_now(self.fileno(), data)

    def receive_now(self) -> bytes:
        """Returns what arrived, up to 16 KiB, b"" at the end. Raises BlockingIOError without any, OSError."""
        return libc.receive_now(self.fileno())

    def has_input(self) -> bool:
        """Whether there is something to read, or the end, or an error."""
        return libc.has_input(self.fileno())


class BlockingSocket(NonblockingSocket):
    """The same behind `sendall` and `recv_into`, which wait for the socket's timeout where there is nothing to do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timeout_seconds: float | None = None

    def settimeout(self, value: float | None, /) -> None:
        """Sets how long an operation waits, in seconds; None: for ever."""
        self._timeout_seconds = value

    def gettimeout(self) -> float | None:
        """How long an operation waits, in seconds."""
        return self._timeout_seconds

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Sends all. Raises TimeoutError, OSError."""
        left = memoryview(data)
        while left:
            try:
                left = left[self.send(left, flags) if flags else self.send_now(bytes(left[:SEND_BYTES])) :]
            except BlockingIOError:
                self._await(select.POLLOUT)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0, /) -> int:
        """Waits for something to read, and reads it. Raises TimeoutError, OSError."""
        self._await(select.POLLIN)
        return super().recv_into(buffer, nbytes, flags)

    def receive(self) -> bytes:
        """Waits for something to read: what is there, b"" at the end. Raises TimeoutError, OSError."""
        self._await(select.POLLIN)
        return self.receive_now()

    def _await(self, event: int) -> None:
        watched = ((self.fileno(), event),)
        timeout = self._timeout_seconds
        left_seconds = math.inf if timeout is None else timeout
        longest_seconds = LONG_WAIT_SECONDS if timeout is None else timeout / WAITS
        while left_seconds > 0.0:
            wait_seconds = min(left_seconds, longest_seconds)
            began = time.monotonic()
            if wait_readable(watched, wait_seconds):
                return
            left_seconds -= min(time.monotonic() - began, wait_seconds)
        raise TimeoutError("timed out")
