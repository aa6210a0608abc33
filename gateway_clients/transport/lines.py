"""Kept connections of the batch lane: non-blocking sockets to one upstream, the last used first."""

import threading
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from gateway_clients.conf import UpstreamConf
from gateway_clients.once import once
from gateway_clients.prompt_socket import PromptSocket
from gateway_clients.transport.keep_alive import KeepAlive, keep_alive_of

HTTP_PORT: Final = 80


@dataclass(slots=True, eq=False)
class Line:
    """One connection."""

    connection: PromptSocket
    made_at: float
    is_reused: bool = False
    idle_since: float = field(default=0.0)

    def close(self) -> None:
        """Closes it."""
        self.connection.close()


class Lines:
    """The idle connections to one upstream."""

    def __init__(self, base_url: str, *, most: int, keep_alive: KeepAlive) -> None:
        parts = urlsplit(base_url)
        self.host = parts.hostname or ""
        self.port = parts.port or HTTP_PORT
        self.netloc = parts.netloc.rpartition("@")[2]
        self.path = parts.path.rstrip("/")
        self.keep_alive = keep_alive
        self._most = most
        self._lock = threading.Lock()
        self._idle: list[Line] = []

    def take(self) -> Line | None:
        """An idle connection that the upstream has not closed meanwhile, if there is one."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                line = self._idle.pop()
            if self.keep_alive.may_reuse(line.made_at, line.idle_since) and not line.connection.has_input():
                line.is_reused = True
                return line
            line.close()

    def keep(self, line: Line) -> None:
        """Keeps a connection for the next call, and closes those that nobody may use any more."""
        line.idle_since = self.keep_alive.now()
        spent: list[Line] = []
        with self._lock:
            while self._idle and not self.keep_alive.may_reuse(self._idle[0].made_at, self._idle[0].idle_since):
                spent.append(self._idle.pop(0))
            if len(self._idle) < self._most:
                self._idle.append(line)
            else:
                spent.append(line)
        for each in spent:
            each.close()

    def close(self) -> None:
        """Closes the idle ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for line in idle:
            line.close()


def lines_of(conf: UpstreamConf) -> Lines:
    """The kept connections to an upstream."""
    return _lines_to(conf.name, conf.base_url, conf.bulkhead_limit, keep_alive_of(conf))


@once
def _lines_to(_name: str, base_url: str, bulkhead_limit: int, keep_alive: KeepAlive) -> Lines:
    # Not by the settings as a whole, whose hash is made anew of all of them each time.
    return Lines(base_url, most=2 * bulkhead_limit, keep_alive=keep_alive)
