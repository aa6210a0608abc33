"""A Redis whose every byte a test decides: it says what it is told to each command, and anything in between."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from hiredis import Reader

Command = list[bytes]
#: What is said to a command; None: what most servers say.
Answer = Callable[[Command], bytes | None]


def bulk(text: str) -> bytes:
    """A bulk string as the protocol has it."""
    return f"${len(text.encode())}\r\n{text}\r\n".encode()


class FakeRedis:
    """Listens on a port of its own; `answer` may be changed at any time.

    `commands` is what each connection was told.
    """

    def __init__(self, answer: Answer = lambda _: None, *, info: str = "run_id:1\r\nredis_mode:standalone\r\n") -> None:
        self.answer = answer
        self.info = info
        self.commands: list[list[Command]] = []
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    def close(self) -> None:
        """Ends it and its connections."""
        for each in (self._listener, *self._connections):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def push(self, data: bytes) -> None:
        """Says this on every connection, unasked."""
        for each in self._connections:
            with suppress(OSError):
                each.sendall(data)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        told: list[Command] = []
        self.commands.append(told)
        reader = Reader()
        with suppress(OSError):
            while data := connection.recv(65_536):
                reader.feed(data)
                said = b""
                while (command := reader.gets()) is not False:
                    told.append(command)
                    answer = self.answer(command)
                    said += self._usual(command) if answer is None else answer
                connection.sendall(said)

    def _usual(self, command: Command) -> bytes:
        return bulk(self.info) if command[0] == b"INFO" else b"+OK\r\n"
