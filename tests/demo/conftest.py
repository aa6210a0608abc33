"""The whole demo, running: gateway, sandbox, worker and Redis on ports of their own, for the tests of this folder."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from bff_project.processes.ports import free_port
from gateway_clients.conf import SERVICES
from members.demo import DEMO_ACCOUNTS
from tests.support.processes import Started, clean_environment
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Demo:
    """Where it is."""

    process: Started
    gateway: str
    services: dict[str, str]

    def headers(self, email: str) -> dict[str, str]:
        """What a request of a demo account carries."""
        account = next(each for each in DEMO_ACCOUNTS if each.email == email)
        credentials = {"email": email, "password": account.password}
        answer = requests.post(f"{self.gateway}/api/v1/auth/login", json=credentials, timeout=10)
        answer.raise_for_status()
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def workers(self) -> list[int]:
        """The process ids of the gateway's HTTP server and its workers."""
        return [pid for pid in self.process.living() if _is_server(Path(f"/proc/{pid}"))]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    ports = {name: free_port() for name in ("PORT", "METRICS_PORT", "REDIS", *SERVICES)}
    services = {name: f"http://localhost:{ports[name]}" for name in SERVICES}
    environment = {
        **clean_environment(),
        **{f"{name.upper()}_SERVICE_URL": url for name, url in services.items()},
        "ENVIRONMENT": "development",
        "PORT": str(ports["PORT"]),
        "METRICS_PORT": str(ports["METRICS_PORT"]),
        "REDIS_URL": f"redis://localhost:{ports['REDIS']}/0",
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "RATE_LIMIT_MAX": "1000000",
        "LOGIN_RATE_LIMIT_MAX": "1000000",
    }
    process = Started(
        [sys.executable, "manage.py", "run_demo"], cwd=ROOT, environment=environment, log=folder / "demo.log"
    )
    try:
        wait_until(lambda: "A first call" in process.output or process.process.poll() is not None, START_SECONDS)
        assert process.process.poll() is None, process.output
        yield Demo(process, f"http://localhost:{ports['PORT']}", services)
    finally:
        process.remove()


def _is_server(process: Path) -> bool:
    try:
        return b"bff_project.processes.http_server" in (process / "cmdline").read_bytes() or _is_spawned(process)
    except OSError:
        return False


def _is_spawned(process: Path) -> bool:
    """granian's workers are multiprocessing's, whose parent is the server."""
    if b"multiprocessing" not in (process / "cmdline").read_bytes():
        return False
    parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
    return b"bff_project.processes.http_server" in Path(f"/proc/{parent}/cmdline").read_bytes()
