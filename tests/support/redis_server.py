"""A real Redis for one test process or one test: it can be killed, frozen and started again at the same address."""

import signal
import tempfile
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Final

from bff_project.processes import child_processes
from bff_project.processes.child_processes import Child
from bff_project.processes.embedded_redis import answers, redis_binary, redis_program
from bff_project.processes.ports import free_port, is_free
from tests.support.waiting import wait_until

#: The bus of a node of a cluster listens so many ports above the node itself.
BUS_DISTANCE: Final = 10_000


class RedisServer:
    """A Redis of our own on a free port; not started yet."""

    def __init__(self) -> None:
        self.port = next(port for port in iter(free_port, None) if _has_room_for_its_bus(port))
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._child: Child | None = None

    @staticmethod
    def is_possible() -> bool:
        """Whether this machine has a Redis server program."""
        return redis_binary() is not None

    @cached_property
    def _directory(self) -> "tempfile.TemporaryDirectory[str]":
        return tempfile.TemporaryDirectory(prefix="redis-")

    def start(self, *more_lines: str) -> None:
        """Starts it, empty, with more lines of configuration, and waits until it answers."""
        program = redis_program(self.port, Path(self._directory.name))
        lines = "".join(f"{line}\n" for line in more_lines)
        self._child = child_processes.start(replace(program, stdin=(program.stdin or b"") + lines.encode()))
        wait_until(lambda: answers(self.url), seconds=10)

    def kill(self) -> None:
        """Ends it at once; its address refuses connections from then on."""
        if self._child is not None:
            self._child.kill_group()
            self._child = None

    def freeze(self) -> None:
        """Stops it: connections are accepted, nothing is answered."""
        if self._child is not None:
            self._child.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen one go on."""
        if self._child is not None:
            self._child.signal(signal.SIGCONT)

    def remove(self) -> None:
        """Ends it and removes what it wrote."""
        self.kill()
        self._directory.cleanup()


def _has_room_for_its_bus(port: int) -> bool:
    return port + BUS_DISTANCE <= 65_535 and is_free(port + BUS_DISTANCE)
