"""Processes in tests: all that descend from one start are found by a mark in their environment."""

import os
import signal
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from bff_project.processes.signals import STOP_SIGNALS
from tests.support.waiting import wait_until

MARK = "STARTED_BY_TEST"


class Started:
    """A command in a session of its own, its output in a file, and everything that descends from it."""

    def __init__(self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], log: Path) -> None:
        self.mark = f"{MARK}={uuid.uuid4()}"
        name, _, value = self.mark.partition("=")
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=cwd,
                env={**environment, name: value},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=default_signals,  # noqa: PLW1509  between fork and exec it only sets signals
            )

    @property
    def output(self) -> str:
        """What it has said so far."""
        return self.log.read_text(errors="replace")

    def living(self) -> list[int]:
        """The process ids, of it and of its descendants, that have not ended."""
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and self._is_living(entry)]

    def stop(self, signum: int = signal.SIGTERM, *, seconds: float = 30.0) -> int:
        """Sends it a signal alone; its exit code. When it does not end, its workers say what they were at."""
        self.process.send_signal(signum)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            for pid in sorted(self.living(), reverse=True):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGABRT)
            wait_until(lambda: self.living() == [], seconds=10)
            raise AssertionError(f"it did not end within {seconds} s; what it said:\n{self.output}") from None

    def remove(self) -> None:
        """Kills all that is left."""
        for pid in self.living():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def _is_living(self, entry: Path) -> bool:
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            return state != "Z" and self.mark.encode() in (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            return False


def default_signals() -> None:
    """A shell that runs this in the background has Ctrl-C ignored; a terminal has not."""
    for signum in STOP_SIGNALS:
        signal.signal(signum, signal.SIG_DFL)


def clean_environment() -> dict[str, str]:
    """This process's environment without what the tests themselves have set."""
    ours = ("DJANGO_", "PYTEST_", "ENVIRONMENT", "REDIS_", "MAKE", "MFLAGS", "VIRTUAL_ENV", "DATABASE_URL", "CLUSTER_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
