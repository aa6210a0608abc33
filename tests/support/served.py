"""`manage.py serve` as processes of its own, over the little site."""

import http.client
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from bff_project.processes.ports import free_port
from tests.support.processes import Started, clean_environment
from tests.support.waiting import wait_until

ROOT: Final = Path(__file__).resolve().parents[2]
SERVE: Final = (sys.executable, "manage.py", "serve")


class Served(Started):
    """A gateway that serves the little site."""

    def __init__(self, log: Path, *, command: Sequence[str] = SERVE, **environment: str) -> None:
        self.port, self.metrics_port = free_port(), free_port()
        super().__init__(
            command,
            cwd=ROOT,
            log=log,
            environment={
                **clean_environment(),
                "DJANGO_SETTINGS_MODULE": "tests.support.served_settings",
                "ENVIRONMENT": "development",
                "PORT": str(self.port),
                "METRICS_PORT": str(self.metrics_port),
                "DRAIN_SECONDS": "0",
                **environment,
            },
        )

    def get(self, path: str, *, port: int | None = None, host: str = "127.0.0.1") -> tuple[int, str]:
        connection = http.client.HTTPConnection(host, port or self.port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def is_ready(self) -> bool:
        try:
            return self.get("/health/ready")[0] == 200
        except OSError:
            return False

    def metric(self, name: str) -> float:
        _, text = self.get("/metrics", port=self.metrics_port)
        return next((float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} ")), 0.0)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(*, is_awaited: bool = True, command: Sequence[str] = SERVE, **environment: str) -> Served:
        served = Served(tmp_path / f"{len(started)}.log", command=command, **environment)
        started.append(served)
        if is_awaited:
            wait_until(served.is_ready, seconds=20)
        return served

    yield start
    for served in started:
        served.remove()
