"""`manage.py run_worker` as a process: it outlives what it needs, and ends when it is asked to."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bff_project.processes.worker import READY
from tests.support.processes import Started, clean_environment
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run_worker(tmp_path: Path) -> Iterator[Callable[..., Started]]:
    started: list[Started] = []

    def start(**environment: str) -> Started:
        whole = {**clean_environment(), "DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}", **environment}
        command = [sys.executable, "manage.py", "run_worker"]
        started.append(Started(command, cwd=ROOT, environment=whole, log=tmp_path / f"{len(started)}.log"))
        return started[-1]

    yield start
    for each in started:
        each.remove()


@pytest.mark.parametrize("has_broker", [False, True])
def test_without_a_database_and_a_broker_it_waits_and_ends_when_asked(
    run_worker: Callable[..., Started], free_port: Callable[[], int], has_broker: bool
) -> None:
    broker = f"redis://127.0.0.1:{free_port()}/0" if has_broker else ""
    worker = run_worker(ENVIRONMENT="development", CELERY_BROKER_URL=broker)

    wait_until(lambda: "worker.database_down" in worker.output, seconds=30)
    assert READY in worker.output
    assert len(worker.living()) == 1 + has_broker
    assert worker.stop(seconds=20) == 0
    assert worker.living() == []


@pytest.mark.parametrize(
    ("environment", "failpoint", "reason"),
    [("production", "before_send", "gateway.E015"), ("development", "somewhere", "FAILPOINT must be one of ")],
)
def test_a_failpoint_keeps_it_from_starting_in_production_and_one_that_nobody_knows_anywhere(
    run_worker: Callable[..., Started], environment: str, failpoint: str, reason: str
) -> None:
    worker = run_worker(ENVIRONMENT=environment, FAILPOINT=failpoint)

    assert worker.process.wait(30) == 1
    assert reason in worker.output
