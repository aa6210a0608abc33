"""Child processes: each in its own session, on a leash, with its output in a file, ended as a whole."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from bff_project.processes import parent_death
from bff_project.processes.errors import ChildDiedError

LAST_LINES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What is run: `environment` is added to this process's own; `log` None means the terminal."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None
    stdin: bytes = b""


@dataclass(frozen=True, slots=True)
class Child:
    """A program that was started."""

    program: Program
    process: "subprocess.Popen[bytes]"

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.poll() is None

    def refuse_death(self) -> None:
        """Raises ChildDiedError, with the end of its output, when it has ended."""
        if self.is_running:
            return
        raise ChildDiedError(
            f"{self.program.name} ended by itself ({_told(self.process.returncode)}).{_last_words(self.program.log)}"
        )

    def signal(self, signum: int) -> None:
        """Sends a signal to its process alone; its own children are its own affair."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signum)

    def kill_group(self) -> None:
        """Kills what is left of it and of its children."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(program: Program) -> Child:
    """Starts it on a leash, in a session of its own: the terminal's Ctrl-C does not reach it, its starter ends it."""
    output = _output(program.log)
    try:
        process = subprocess.Popen(  # noqa: S603  the command comes from this project's own code, without a shell
            [sys.executable, "-I", "-S", parent_death.__file__, str(os.getpid()), *program.command],
            env={**os.environ, **program.environment},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,
        )
    finally:
        if output:
            output.close()
    if process.stdin is not None:
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(program.stdin)
    return Child(program, process)


def end(children: Iterable[Child], *, grace_seconds: float) -> None:
    """Asks all to end, the last started first, waits so long for all of them together, then kills what is left."""
    last_first = [child for child in reversed(list(children)) if child.is_running]
    for child in last_first:
        child.signal(signal.SIGTERM)
    give_up_at = time.monotonic() + grace_seconds
    for child in last_first:
        with suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.0, give_up_at - time.monotonic()))
        child.kill_group()


def reap_orphans(own: Child) -> None:
    """Takes note of the ends of others' children: the first process of a container gets those that nobody waits for.

    Until then they are still there, and count as alive to whoever looks. Containers are Linux.
    """
    if sys.platform != "linux":
        return
    with suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if ended.si_pid == own.process.pid:
                return
            os.waitpid(ended.si_pid, 0)


def _output(log: Path | None) -> IO[bytes] | None:
    if log is None:
        return None
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("wb")


def _told(return_code: int) -> str:
    return f"exit code {return_code}" if return_code >= 0 else f"signal {signal.Signals(-return_code).name}"


def _last_words(log: Path | None) -> str:
    if log is None or not log.exists():
        return ""
    lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
    return "\n".join([f" The end of {log}:", *(f"    {line}" for line in lines)])
