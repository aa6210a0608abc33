"""TCP sockets whose sends and receives keep the interpreter's lock, as they never wait.

Python's own give the lock away around each system call, also around one that cannot wait, and each time another thread
wakes up that finds the lock taken again. `ctypes.PyDLL` calls the C library without that; only `poll` lets others run.
"""

import ctypes
import errno
import math
import os
import select
import socket
import threading
import time
from typing import Any, Final

from gateway_clients.runtime.ppoll import wait_readable
from gateway_clients.runtime.thread_gate import SHORT_WAIT_SECONDS, thread_gate

#: As much as is received at once.
RECEIVE_BYTES: Final = 65_536
#: Seconds that are waited at a time where there is no timeout.
LONG_WAIT_SECONDS: Final = 60.0
#: In so many waits a timeout is spent. One that takes longer than it should counts as long as it should: the machine
#: stood still, so who was to answer did too, and has the next.
WAITS: Final = 2
# As plain numbers: two of socket's flags put together take longer than the call.
_NOW: Final = int(socket.MSG_DONTWAIT)
_SEND_FLAGS: Final = _NOW | int(getattr(socket, "MSG_NOSIGNAL", 0))
_PEEK_FLAGS: Final = _NOW | int(socket.MSG_PEEK)
_NOTHING_YET: Final = (errno.EAGAIN, errno.EWOULDBLOCK)

_library: Final = ctypes.PyDLL(None, use_errno=True)
_send: Final = _library.send
_send.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
_send.restype = ctypes.c_ssize_t
_receive: Final = _library.recv
_receive.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_receive.restype = ctypes.c_ssize_t


class _Own(threading.local):
    """What each thread receives into."""

    def __init__(self) -> None:
        self.buffer = ctypes.create_string_buffer(RECEIVE_BYTES)
        self.address = ctypes.addressof(self.buffer)


_own: Final = _Own()


def _failure() -> OSError:
    """BlockingIOError, ConnectionResetError and the like, as the socket module raises them."""
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code))


class NonblockingSocket(socket.socket):
    """A connection with three operations that never wait and never let another thread run."""

    def send_now(self, data: bytes) -> int:
        """Sends as much as goes. Raises BlockingIOError when nothing does, OSError."""
        count: int = _send(self.fileno(), data, len(data), _SEND_FLAGS)
        if count < 0:
            raise _failure()
        return count

    def receive_now(self) -> bytes:
        """What is there, `RECEIVE_BYTES` at most; b"" at the end. Raises BlockingIOError when nothing is, OSError."""
        count: int = _receive(self.fileno(), _own.address, RECEIVE_BYTES, _NOW)
        if count < 0:
            raise _failure()
        return ctypes.string_at(_own.address, count)

    def has_input(self) -> bool:
        """Whether there is something to read, or the end, or an error."""
        count: int = _receive(self.fileno(), _own.address, 1, _PEEK_FLAGS)
        return count >= 0 or ctypes.get_errno() not in _NOTHING_YET


class BlockingSocket(NonblockingSocket):
    """The same behind `sendall` and `recv_into`, which wait for the socket's timeout where there is nothing to do."""

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Sends all. Raises TimeoutError, OSError."""
        try:
            count = self.send_now(data)
        except BlockingIOError:
            count = 0
        if count < len(data):
            super().sendall(memoryview(data)[count:], flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0, /) -> int:
        """Waits for something to read, and reads it. Raises TimeoutError, OSError."""
        self._await_input()
        view = (ctypes.c_char * len(buffer)).from_buffer(buffer)
        count: int = _receive(self.fileno(), ctypes.addressof(view), nbytes or len(buffer), flags | _NOW)
        if count < 0:
            raise _failure()
        return count

    def receive(self) -> bytes:
        """Waits for something to read: what is there, b"" at the end. Raises TimeoutError, OSError."""
        self._await_input()
        return self.receive_now()

    def _await_input(self) -> None:
        watched = ((self.fileno(), select.POLLIN),)
        if wait_readable(watched, SHORT_WAIT_SECONDS):
            return
        timeout = self.gettimeout()
        left_seconds = math.inf if timeout is None else timeout - SHORT_WAIT_SECONDS
        longest_seconds = LONG_WAIT_SECONDS if timeout is None else timeout / WAITS
        with thread_gate().blocked():
            while left_seconds > 0.0:
                wait_seconds = min(left_seconds, longest_seconds)
                began = time.monotonic()
                if wait_readable(watched, wait_seconds):
                    return
                left_seconds -= min(time.monotonic() - began, wait_seconds)
        raise TimeoutError("timed out")
