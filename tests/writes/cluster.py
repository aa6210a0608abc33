"""Real processes for tests of writes: gateways and workers on one database, before a sandbox; any may be killed."""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.utils import ConnectionHandler

from bff_project.processes.gateway import RESTARTS, RESTARTS_WITHIN_SECONDS
from bff_project.processes.ports import free_port
from bff_project.processes.worker import READY
from bff_project.setting_addresses import database
from sandbox.testing import Sandbox
from tests.support.processes import Started, clean_environment
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
#: What a gateway says when its HTTP server has ended and is started again.
SERVER_ENDED = "The HTTP server ended by itself"
#: Short budgets, and breakers that stay closed: what is tested is not them.
SETTINGS = {
    "ENVIRONMENT": "development",
    "DJANGO_SETTINGS_MODULE": "bff_project.settings",
    "DRAIN_SECONDS": "0",
    "ENABLE_METRICS": "false",
    "RATE_LIMIT_MAX": "1000000",
    "SUBMIT_BUDGET_SECONDS": "3",
    "UPSTREAM_TIMEOUT_SECONDS": "0.5",
    "BREAKER_FAILURES": "1000000",
    "BREAKER_MIN_CALLS": "1000000",
    "THREADS": "16",
    "CELERY_BROKER_URL": "",
}


@dataclass(frozen=True)
class Answer:
    """What a gateway answered."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]


class Gateway(Started):
    """`manage.py serve`."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self.port = free_port()
        #: When the HTTP server was seen to have ended.
        self._ends: list[float] = []
        super().__init__(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT,
            environment={**environment, "PORT": str(self.port)},
            log=log,
        )

    def ask(self, method: str, path: str, token: str, body: Any = None, key: str | None = None) -> Answer:
        """One request on a connection of its own. Raises OSError and HTTPException when it is not answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        try:
            connection.request(method, f"/api/v1/{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return Answer(answer.status, json.loads(answer.read()), dict(answer.getheaders()))
        finally:
            connection.close()

    def is_ready(self) -> bool:
        """Whether it answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def kill_one(self, chance: random.Random) -> bool:
        """Kills one of its processes, but not the parent that starts the others again; whether it did.

        The parent gives up a server that ends too often: one that nearly has is spared until that is long ago.
        """
        now, ends = time.monotonic(), self.output.count(SERVER_ENDED)
        self._ends += [now] * (ends - len(self._ends))
        if sum(now - at < RESTARTS_WITHIN_SECONDS for at in self._ends) >= RESTARTS - 2:
            return False
        _kill_one_of([pid for pid in self.living() if pid != self.process.pid], chance)
        return True


class Worker(Started):
    """`manage.py run_worker`."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        super().__init__([sys.executable, "manage.py", "run_worker"], cwd=ROOT, environment=environment, log=log)

    def is_ready(self) -> bool:
        """Whether it has begun to work."""
        return READY in self.output

    def kill_one(self, chance: random.Random) -> None:
        """Kills one of its processes."""
        _kill_one_of(self.living(), chance)


def _kill_one_of(pids: list[int], chance: random.Random) -> None:
    if pids:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(pids), signal.SIGKILL)


class Cluster:
    """Processes on one database; `settings` are added to those of every process."""

    def __init__(self, sandbox: Sandbox, directory: Path, *, accounts: int = 4, **settings: str) -> None:
        self.sandbox = sandbox
        self.directory = directory
        self.environment = {
            **clean_environment(),
            **SETTINGS,
            **sandbox.urls,
            "REDIS_URL": os.environ["REDIS_URL"],
            "CACHE_KEY_PREFIX": directory.name,
            "DATABASE_URL": f"sqlite:///{directory / 'db.sqlite3'}",
            "DRAIN_FILE": str(directory / "none"),
            **settings,
        }
        self._started: list[Started] = []
        prepared = subprocess.run(
            [sys.executable, "-m", "tests.writes.prepare", str(accounts)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        self.tokens: list[str] = json.loads(prepared.stdout.splitlines()[-1])
        config = {"ATOMIC_REQUESTS": False, **database(self.environment["DATABASE_URL"])}
        self._databases = ConnectionHandler({"default": config})

    def gateway(self, *, is_awaited: bool = True, **settings: str) -> Gateway:
        """Starts a gateway."""
        gateway = Gateway({**self.environment, **settings}, self._log("gateway"))
        self._started.append(gateway)
        if is_awaited:
            wait_until(gateway.is_ready, seconds=30)
        return gateway

    def worker(self, *, is_awaited: bool = True, **settings: str) -> Worker:
        """Starts a worker."""
        worker = Worker({**self.environment, **settings}, self._log("worker"))
        self._started.append(worker)
        if is_awaited:
            wait_until(worker.is_ready, seconds=30)
        return worker

    def celery(self) -> Started:
        """Starts Celery's own worker, without the sweep beside it."""
        command = [sys.executable, "-m", "celery", "--app=bff_project.celery", "worker", "--pool=threads"]
        started = Started(
            [*command, "--concurrency=2", "--loglevel=INFO"],
            cwd=ROOT,
            environment=self.environment,
            log=self._log("celery"),
        )
        self._started.append(started)
        return started

    def count(self, table: str, where: str = "1=1") -> int:
        """How many rows there are."""
        return int(self._execute(f"SELECT count(*) FROM {table} WHERE {where}")[0])

    def make_all_due(self) -> None:
        """As if every lease and every pause of the outbox were over."""
        self._execute("UPDATE gateway_clients_outboxmessage SET due_at = created_at")

    def keep_only_notifications(self) -> None:
        """Nothing else is left to be done."""
        self._execute("DELETE FROM gateway_clients_outboxmessage WHERE kind <> 'notification.send'")

    def _execute(self, statement: str) -> tuple[Any, ...]:
        connection = self._databases["default"]
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchone() if cursor.description else ()
        finally:
            connection.close()

    def is_idle(self) -> bool:
        """Whether nothing is left to be done or to be found out."""
        return not self.count("gateway_clients_outboxmessage") and not self.count(
            "claims_submission", "state IN ('sending', 'unknown')"
        )

    def stop(self) -> None:
        """Ends every process."""
        for each in self._started:
            each.remove()

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}-{len(self._started)}.log"
