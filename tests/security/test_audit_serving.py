"""The audit trail of a gateway that serves: nothing that was answered is missing, however its processes end."""

import http.client
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from sandbox.testing import Sandbox
from tests.support.gateway import ROOT, RunningGateway
from tests.support.processes import clean_environment
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

#: A member's own looks may be lost this long before a process is killed.
PROMISED_SECONDS: Final = 1.0
#: Between an answer that came before a kill, and the moment at which the client's thread noted it.
NOTED_SECONDS: Final = 0.25
PATHS: Final = {"member": "/api/v1/dashboard/m-1", "provider": "/api/v1/claims?limit=3", "admin": "/api/v1/members/m-1"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def served(tmp_path: Path, redis_server: RedisServer, sandbox: Sandbox) -> Iterator[RunningGateway]:
    gateway = RunningGateway(tmp_path, redis_url=redis_server.url, upstreams=sandbox.urls)
    gateway.await_ready()
    yield gateway
    gateway.remove()


def recorded(gateway: RunningGateway) -> dict[str, int]:
    """How many rows each request has."""
    with closing(sqlite3.connect(gateway.database)) as database:
        rows = database.execute(
            "SELECT request_id, count(*) FROM gateway_clients_auditentry WHERE outcome = 'shown' GROUP BY request_id"
        )
        return dict(rows.fetchall())


def verified(gateway: RunningGateway) -> subprocess.CompletedProcess[str]:
    """What the command says of the trail, compared with the gateway's own log."""
    environment = {
        **clean_environment(), "ENVIRONMENT": "development", "DATABASE_URL": f"sqlite:///{gateway.database}",
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "manage.py", "audit", "verify", "--heads", "-"],
        cwd=ROOT,
        env=environment,
        input=gateway.output,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_staffs_look_is_written_before_its_answer_and_a_members_within_a_second(served: RunningGateway) -> None:
    answer = served.get("/api/v1/members/m-1", as_="admin")
    assert recorded(served)[answer.headers["x-request-id"]] == 1

    answer = served.get("/api/v1/dashboard/m-1", as_="member")
    wait_until(lambda: answer.headers["x-request-id"] in recorded(served), seconds=PROMISED_SECONDS)


def test_a_gateway_that_is_asked_to_stop_writes_all_it_has(served: RunningGateway) -> None:
    answers = [served.get("/api/v1/dashboard/m-1", as_="member") for _ in range(20)]

    assert served.stop(signal.SIGTERM) == 0

    rows = recorded(served)
    assert [rows.get(answer.headers["x-request-id"]) for answer in answers] == [1] * 20
    assert verified(served).returncode == 0


@dataclass
class Crowd:
    """Readers of every role who ask without a pause, and remember what was answered when."""

    gateway: RunningGateway
    answered: dict[str, tuple[str, float]] = field(default_factory=dict)
    is_over: threading.Event = field(default_factory=threading.Event)

    def start(self, readers: int = 6) -> list[threading.Thread]:
        tokens = {who: self.gateway.token(who) for who in PATHS}
        roles = itertools.islice(itertools.cycle(PATHS), readers)
        threads = [threading.Thread(target=self._read, args=(who, tokens[who]), daemon=True) for who in roles]
        for thread in threads:
            thread.start()
        return threads

    def _read(self, who: str, token: str) -> None:
        while not self.is_over.is_set():
            with suppress(OSError, http.client.HTTPException):
                answer = self.gateway.ask("GET", PATHS[who], headers={"Authorization": f"Bearer {token}"})
                if answer.status == 200:
                    self.answered[answer.headers["x-request-id"]] = (who, time.monotonic())


def was_just_before(noted: float, kill: float) -> bool:
    """Whether an answer that was noted then may have come within the promised second before the kill."""
    return -NOTED_SECONDS <= kill - noted <= PROMISED_SECONDS


def killed_under_load(gateway: RunningGateway, rounds: int) -> None:
    """Kills a worker so many times; then every row is there but those that the promise leaves out."""
    crowd = Crowd(gateway)
    threads = crowd.start()
    kills = []
    for _ in range(rounds):
        seen = len(crowd.answered)
        wait_until(lambda seen=seen: len(crowd.answered) >= seen + 12, seconds=30)
        killed = gateway.workers[0]
        os.kill(killed, signal.SIGKILL)
        kills.append(time.monotonic())
        wait_until(lambda killed=killed: killed not in gateway.living(), seconds=30)
        gateway.await_ready()
        del gateway.workers
    crowd.is_over.set()
    for thread in threads:
        thread.join(30)
    assert gateway.stop(signal.SIGTERM) == 0

    rows = recorded(gateway)
    missing = {request: told for request, told in crowd.answered.items() if request not in rows}
    assert {who for who, _ in missing.values()} <= {"member"}
    assert [at for _, at in missing.values() if not any(was_just_before(at, kill) for kill in kills)] == []
    assert len(crowd.answered) >= 12 * rounds
    done = verified(gateway)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.long
def test_a_process_that_is_killed_leaves_no_gap_but_the_promised_second(served: RunningGateway) -> None:
    killed_under_load(served, rounds=int(os.environ.get("TEST_KILLS", "10")))
