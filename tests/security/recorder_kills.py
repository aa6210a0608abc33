"""Kills processes that write the audit trail, so many, each in the middle of it; prints what the trail lacks, as JSON.

They are forked from a process that has loaded the gateway; recorder and database are those that it serves with.
"""

import json
import os
import random
import select
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import Final, NoReturn

import django

from gateway_clients.database import process_mode

process_mode.serve()
django.setup()

from gateway_clients.audit.entries import AuditRow, Outcome  # noqa: E402 - after the settings are there
from gateway_clients.audit.recorder import recorder  # noqa: E402
from gateway_clients.audit.verification import verify  # noqa: E402
from gateway_clients.models import AuditEntry  # noqa: E402

#: Begins the line that is not the log's.
TOLD: Final = "told: "
AT_ONCE: Final = 4
#: A member's own looks may be lost this long before a process is killed, as may what was noted late.
PROMISED_SECONDS: Final = 1.25
#: A process is killed so long after its first answer at most.
LONGEST_SECONDS: Final = 0.4


@dataclass(slots=True)
class Writer:
    """A process that answers. `answers`: the request, whether it was staff's, and when it was noted."""

    pid: int
    pipe: int
    dies_at: float = float("inf")
    answers: list[tuple[str, bool, float]] = field(default_factory=list)
    rest: bytes = b""

    def take(self) -> None:
        """Notes what it has answered."""
        *lines, self.rest = (self.rest + os.read(self.pipe, 65536)).split(b"\n")
        now = time.monotonic()
        self.answers += [(line[1:].decode(), line.startswith(b"S"), now) for line in lines]
        if lines and self.dies_at == float("inf"):
            self.dies_at = now + random.random() * LONGEST_SECONDS


def born() -> Writer:
    """A new process that answers staff and members in turns, without a pause."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        answer_for_ever(writing)
    os.close(writing)
    return Writer(pid, reading)


def answer_for_ever(pipe: int) -> NoReturn:
    number = 0
    while True:
        number += 1
        for letter, role in (("S", "admin"), ("M", "member")):
            name = f"{letter.lower()}-{os.getpid()}-{number}-{time.monotonic_ns()}"
            row = AuditRow(
                action="a-view", outcome=Outcome.SHOWN, account_id="7", role=role, member_id="m-1", request_id=name
            )
            if letter == "S":
                recorder().commit([row])
            else:
                recorder().add(row)
            os.write(pipe, f"{letter}{name}\n".encode())


def killed(rounds: int) -> list[tuple[Writer, float]]:
    """So many processes, each with when it was killed."""
    done: list[tuple[Writer, float]] = []
    living = [born() for _ in range(AT_ONCE)]
    while len(done) < rounds:
        ready, _, _ = select.select([each.pipe for each in living], [], [], 0.01)
        for writer in list(living):
            if writer.pipe in ready:
                writer.take()
            if time.monotonic() >= writer.dies_at:
                at = time.monotonic()
                os.kill(writer.pid, signal.SIGKILL)
                os.waitpid(writer.pid, 0)
                writer.take()
                os.close(writer.pipe)
                done.append((writer, at))
                living.remove(writer)
                living.append(born())
    for writer in living:
        os.kill(writer.pid, signal.SIGKILL)
        os.waitpid(writer.pid, 0)
    return done


def main() -> None:
    """Kills, then compares."""
    done = killed(int(sys.argv[1]))
    written = set(AuditEntry.objects.values_list("request_id", flat=True))
    lacking = [(name, is_staff, at - noted) for writer, at in done for name, is_staff, noted in writer.answers
               if name not in written]  # fmt: skip
    told = {
        "killed": len(done),
        "answers": sum(len(writer.answers) for writer, _ in done),
        "staffs": [name for name, is_staff, _ in lacking if is_staff],
        "early": [name for name, _, before in lacking if before > PROMISED_SECONDS],
        "twice": AuditEntry.objects.count() - len(written),
        "findings": [str(each) for each in verify().findings],
    }
    print(TOLD + json.dumps(told))


if __name__ == "__main__":
    main()
