"""A running gateway: `manage.py serve` as a process of its own, with a migrated database, accounts and tokens."""

import atexit
import http.client
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

from bff_project.processes.ports import LOOPBACK, free_port
from members.demo import DEMO_ACCOUNTS, DemoAccount
from tests.support.processes import Started, clean_environment
from tests.support.tcp import listening
from tests.support.waiting import wait_until

ROOT: Final = Path(__file__).resolve().parents[2]
MAKE_DATABASE: Final = (
    "import django; django.setup(); from django.core.management import call_command; "
    "call_command('migrate', verbosity=0); call_command('load_demo_accounts')"
)
#: The demo accounts, by what they are.
ACCOUNTS: Final[Mapping[str, DemoAccount]] = {
    account.note.removeprefix("an ").removeprefix("a "): account for account in DEMO_ACCOUNTS
}
NO_LIMIT: Final = "1000000000"
#: Workers of a gateway that is not told how many.
DEFAULT_WORKERS: Final = "2"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the gateway; header names in lower case; `seconds` is how long it took, with its connection."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem; "" where there is none."""
        return str(self.json.get("code", "")) if self.status >= 400 else ""

    @property
    def states(self) -> dict[str, str]:
        """The section states of a view."""
        return {name: section["state"] for name, section in self.json["meta"]["sections"].items()}

    @property
    def text(self) -> str:
        """All that was said: headers and body."""
        heads = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        return f"{heads}\n\n{self.body.decode(errors='replace')}"


class RunningGateway(Started):
    """One gateway. Settings are given as they stand in the environment; limits are out of the way unless given.

    `command` is what Python runs, `launcher` what that begins with, and `host` where it is met, for one that is not on
    this machine. `port` is that of one whose place it takes.
    """

    def __init__(
        self,
        directory: Path,
        *,
        redis_url: str,
        upstreams: Mapping[str, str],
        database: Path | None = None,
        tree: Path = ROOT,
        launcher: Sequence[str] = (),
        host: str = LOOPBACK,
        port: int | None = None,
        command: Sequence[str] = ("manage.py", "serve"),
        **settings: str,
    ) -> None:
        self.host, self.port, self.metrics_port, self.redis_url = host, port or free_port(), free_port(), redis_url
        self.database = database or directory / f"{self.port}.sqlite3"
        if database is None:
            shutil.copy(migrated_database(), self.database)
        super().__init__(
            [*launcher, sys.executable, *command],
            cwd=tree,
            log=directory / f"{self.port}.log",
            environment={
                **clean_environment(),
                "ENVIRONMENT": "development",
                "PORT": str(self.port),
                "METRICS_PORT": str(self.metrics_port),
                "DATABASE_URL": f"sqlite:///{self.database}",
                "REDIS_URL": redis_url,
                "RATE_LIMIT_MAX": NO_LIMIT,
                "LOGIN_RATE_LIMIT_MAX": NO_LIMIT,
                "DRAIN_SECONDS": "0",
                **upstreams,
                **settings,
            },
        )
        self._workers = int({**upstreams, **settings}.get("WORKERS", DEFAULT_WORKERS))
        self._tokens: dict[str, str] = {}

    def await_ready(self, *, seconds: float = 30.0) -> None:
        """Waits until it takes traffic, with all its workers."""
        wait_until(self._is_ready, seconds=seconds)
        wait_until(lambda: listening(self.port, self.process.pid) == self._workers, seconds=30)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, f"the gateway ended: {self.output}"
        with suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/health/ready").status == 200
        return False

    def get(self, path: str, *, as_: str | None = "admin", **headers: str) -> Reply:
        """Reads an address as one of `ACCOUNTS` (None: without a token); `X_Request_ID=…` for its header."""
        return self.ask("GET", path, headers=self.headers_of(as_, **headers))

    def headers_of(self, as_: str | None = "admin", **headers: str) -> dict[str, str]:
        """What such a request carries."""
        token = {} if as_ is None else {"Authorization": f"Bearer {self.token(as_)}"}
        return {**token, **{name.replace("_", "-"): value for name, value in headers.items()}}

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        port: int | None = None,
        timeout_seconds: float = 30.0,
    ) -> Reply:
        """One request on a connection of its own. Raises OSError."""
        began = time.monotonic()
        connection = http.client.HTTPConnection(self.host, port or self.port, timeout=timeout_seconds)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, content, time.monotonic() - began)

    def sign_in(self, who: str, *, password: str | None = None) -> Reply:
        """Signs one of `ACCOUNTS` in, with another password than its own where one is given."""
        account = ACCOUNTS[who]
        body = json.dumps({"email": account.email, "password": password or account.password}).encode()
        return self.ask("POST", "/api/v1/auth/login", headers={"Content-Type": "application/json"}, body=body)

    def token(self, who: str) -> str:
        """An access token of one of `ACCOUNTS`, made by signing in once."""
        if who not in self._tokens:
            self._tokens[who] = self.sign_in(who).json["access_token"]
        return self._tokens[who]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's rows that have these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = self.ask("GET", "/metrics", port=self.metrics_port).body.decode().splitlines()
        rows = [line for line in lines if line.startswith((f"{name}{{", f"{name} "))]
        return sum(float(row.rpartition(" ")[2]) for row in rows if all(label in row for label in wanted))

    @cached_property
    def workers(self) -> list[int]:
        """The process ids of the workers: the children of the HTTP server, which is the child of `manage.py serve`."""
        (server,) = (pid for pid in self.living() if _parent_of(pid) == self.process.pid)
        return [pid for pid in self.living() if _parent_of(pid) == server]

    def remove(self) -> None:
        """Kills what is left of it and removes what it wrote into the project's folder."""
        super().remove()
        shutil.rmtree(ROOT / ".run" / f"gateway-{self.port}", ignore_errors=True)


def resident_bytes(pid: int, field: str = "VmRSS") -> int:
    """What a process holds in memory (`VmHWM`: its most since it began, or since `forget_peak`)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {field} of {pid}")


def forget_peak(pid: int) -> None:
    """Starts a process's `VmHWM` anew (proc(5), clear_refs: 5)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@cache
def migrated_database() -> Path:
    """A database with the demo accounts, made once for each test process."""
    directory = Path(tempfile.mkdtemp(prefix="gateway-"))
    made = directory / "migrated.sqlite3"
    environment = {
        **clean_environment(),
        "ENVIRONMENT": "development",
        "DJANGO_SETTINGS_MODULE": "bff_project.settings",
        "DATABASE_URL": f"sqlite:///{made}",
    }
    subprocess.run(
        [sys.executable, "-c", MAKE_DATABASE], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=60
    )
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return made
