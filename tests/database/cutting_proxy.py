"""A proxy before PostgreSQL that breaks a connection at a COMMIT of the test's choice, and then refuses everybody."""

import socket
import threading
from contextlib import suppress

from bff_project.processes.ports import LOOPBACK

#: As psycopg sends it: a simple query.
COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"


class CuttingProxy:
    """Passes on what comes, until the transaction that it was told of is to be committed."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._marker: bytes | None = None
        self._reaches_server = False
        self.is_down = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_at_commit(self, marker: bytes, *, reaches_server: bool) -> None:
        """The next transaction that says `marker` gets no answer to its COMMIT, which the server gets or not."""
        self._marker, self._reaches_server = marker, reaches_server

    def heal(self) -> None:
        """Passes on again."""
        self.is_down = False

    def close(self) -> None:
        """Ends it."""
        self._listener.close()
        self._break_all()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self.is_down:
                    near.close()
                    continue
                far = socket.create_connection((LOOPBACK, self._target_port))
                with self._lock:
                    self._open |= {near, far}
                threading.Thread(target=self._to_server, args=(near, far), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(far, near), daemon=True).start()

    def _to_server(self, near: socket.socket, far: socket.socket) -> None:
        is_marked = False
        with suppress(OSError):
            while content := near.recv(65536):
                is_marked = is_marked or (self._marker is not None and self._marker in content)
                if is_marked and COMMIT in content:
                    self._cut(near, far, content)
                    return
                far.sendall(content)
        self._close(near, far)

    def _cut(self, near: socket.socket, far: socket.socket, content: bytes) -> None:
        self.is_down, self._marker = True, None
        # Nothing comes back any more: the thread that passes answers on meets a closed socket.
        near.shutdown(socket.SHUT_RDWR)
        if self._reaches_server:
            far.sendall(content)
            far.shutdown(socket.SHUT_WR)
            with suppress(OSError):
                while far.recv(65536):
                    pass
        self._break_all()

    def _pass_on(self, far: socket.socket, near: socket.socket) -> None:
        with suppress(OSError):
            while content := far.recv(65536):
                near.sendall(content)
        self._close(near)

    def _break_all(self) -> None:
        with self._lock:
            lines, self._open = list(self._open), set()
        self._close(*lines)

    def _close(self, *lines: socket.socket) -> None:
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
