"""Kept connections of the batch lane: non-blocking sockets to one upstream, the last used first."""

import threading
import time
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from gateway_clients.conf import UpstreamConf
from gateway_clients.once import once
from gateway_clients.prompt_socket import PromptSocket

#: Seconds after which an idle connection is not used any more; most servers keep theirs longer.
IDLE_SECONDS: Final = 30.0
HTTP_PORT: Final = 80


@dataclass(slots=True, eq=False)
class Line:
    """One connection."""

    connection: PromptSocket
    is_reused: bool = False
    idle_since: float = field(default=0.0)

    def close(self) -> None:
        """Closes it."""
        self.connection.close()


class Lines:
    """The idle connections to one upstream."""

    def __init__(self, base_url: str, *, most: int) -> None:
        parts = urlsplit(base_url)
        self.host = parts.hostname or ""
        self.port = parts.port or HTTP_PORT
        self.netloc = parts.netloc.rpartition("@")[2]
        self.path = parts.path.rstrip("/")
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
            if time.monotonic() - line.idle_since < IDLE_SECONDS and not line.connection.has_input():
                line.is_reused = True
                return line
            line.close()

    def keep(self, line: Line) -> None:
        """Keeps a connection for the next call."""
        line.idle_since = time.monotonic()
        with self._lock:
            if len(self._idle) < self._most:
                self._idle.append(line)
                return
        line.close()

    def close(self) -> None:
        """Closes the idle ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for line in idle:
            line.close()


def lines_of(conf: UpstreamConf) -> Lines:
    """The kept connections to an upstream."""
    return _lines_to(conf.name, conf.base_url, conf.bulkhead_limit)


@once
def _lines_to(_name: str, base_url: str, bulkhead_limit: int) -> Lines:
    # Not by the settings as a whole, whose hash is made anew of all of them each time.
    return Lines(base_url, most=2 * bulkhead_limit)
