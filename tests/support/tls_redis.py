"""A real Redis that speaks TLS alone, with a password; not every build of the server can."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from bff_project.processes import child_processes
from bff_project.processes.child_processes import Child
from bff_project.processes.embedded_redis import redis_program
from bff_project.processes.ports import LOOPBACK, free_port, is_answering
from tests.support.certificates import Authority
from tests.support.programs import NOT_RUN
from tests.support.waiting import wait_until

PASSWORD: Final = "open-sesame"


class TLSRedis:
    """Leaves the test out where no server program can TLS. It listens at `address` as well."""

    def __init__(self, authority: Authority, *, address: str = LOOPBACK) -> None:
        self.port = free_port()
        host = "localhost" if address == LOOPBACK else address
        self.url = f"rediss://:{PASSWORD}@{host}:{self.port}/0"
        self._address = address
        self._directory = tempfile.TemporaryDirectory(prefix="redis-")
        self._child = self._started(authority)

    def _started(self, authority: Authority) -> Child:
        lines = [
            f"tls-port {self.port}",
            f"tls-cert-file {authority.certificate}",
            f"tls-key-file {authority.key}",
            f"tls-ca-cert-file {authority.bundle}",
            "tls-auth-clients no",
            f"bind {' '.join(dict.fromkeys((LOOPBACK, self._address)))}",
        ]
        program = redis_program(0, Path(self._directory.name), password=PASSWORD)
        child = child_processes.start(
            replace(program, command=[_program_with_tls(), "-"], stdin=program.stdin + "\n".join([*lines, ""]).encode())
        )
        wait_until(lambda: is_answering(self.port), seconds=10)
        return child

    def remove(self) -> None:
        """Ends it and removes what it wrote."""
        self._child.kill_group()
        self._directory.cleanup()


def _program_with_tls() -> str:
    for path in _candidates():
        # A build without TLS refuses the option; one with TLS goes on to the port, which is none.
        told = subprocess.run([path, "--tls-replication", "no", "--port", "none"], capture_output=True, check=False)
        if b"tls-replication" not in told.stdout + told.stderr:
            return path
    pytest.skip(f"{NOT_RUN} redis-server or valkey-server with TLS")


def _candidates() -> Iterator[str]:
    return (path for name in ("redis-server", "valkey-server") if (path := shutil.which(name)))
