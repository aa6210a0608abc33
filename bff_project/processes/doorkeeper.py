"""A thread of a worker that closes connections whose clients take too much: too many, or too long."""

import resource
import threading
import time
from contextlib import suppress
from typing import Final

from bff_project.processes.bodies import BodyPlaces
from bff_project.processes.connections import Connections

#: Seconds between two looks.
TICK_SECONDS: Final = 0.5
#: Connections of a worker, idle ones too, as far as the process may open as many files.
CONNECTIONS: Final = 4096
#: Files of a worker that are no connections of clients.
OTHER_FILES: Final = 512
#: Once there are too many, a share of them is closed, so that it is not to be done again at once.
ROOM_SHARE: Final = 0.125
#: Of too many only those that were silent for so long are closed.
SILENT_SECONDS: Final = 1.0
#: How often those are looked for that are silent for longer than any request takes.
SWEEP_SECONDS: Final = 10.0


def most_connections() -> int:
    """How many connections a worker has at most. Lets this process, and those it starts, open as many files as it may.

    Twice as many have to be possible: until the doorkeeper has looked there may be more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files == resource.RLIM_INFINITY:
        return CONNECTIONS
    return max(1, min(CONNECTIONS, (files - OTHER_FILES) // 2))


class Doorkeeper:
    """Looks after the connections of a worker: `most` of them, none silent for longer than `longest_seconds`."""

    def __init__(self, connections: Connections, body_places: BodyPlaces, *, most: int, longest_seconds: float) -> None:
        self._connections = connections
        self._body_places = body_places
        self._most = most
        self._longest_seconds = longest_seconds
        self._sweep_at = time.monotonic() + SWEEP_SECONDS
        self._thread = threading.Thread(target=self._go_on, name="doorkeeper", daemon=True)

    def start(self) -> None:
        """Looks again and again until the process ends."""
        self._thread.start()

    def _go_on(self) -> None:
        while True:
            time.sleep(TICK_SECONDS)
            self.look()

    def look(self) -> None:
        """Closes those that have kept a thread waiting for too long, the most silent of too many, and the forgotten.

        A client that was answered before it sent all of its body may leave its connection as it is: the server waits
        for the rest.
        """
        self._body_places.end_late_waits()
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + SWEEP_SECONDS
            self._connections.make_room(0, silent_seconds=self._longest_seconds)
        if self._connections.open_files > self._most:
            self._connections.make_room(int(self._most * (1 - ROOM_SHARE)), silent_seconds=SILENT_SECONDS)
