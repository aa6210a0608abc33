"""`manage.py run_worker` as a process: it outlives what it needs, and ends when it is asked to."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import OperationalError, ProgrammingError
from structlog.testing import capture_logs

from bff_project.processes import worker as worker_module
from bff_project.processes.worker import READY, WorkerConf
from tests.support.processes import Started, clean_environment
from tests.support.redis_server import RedisServer
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


@pytest.mark.long
def test_the_worker_and_its_celery_both_tell_what_they_count(
    run_worker: Callable[..., Started], redis_server: RedisServer
) -> None:
    run_worker(ENVIRONMENT="development", REDIS_URL=redis_server.url, CELERY_BROKER_URL=redis_server.url)

    with redis.Redis.from_url(redis_server.url) as asked:
        wait_until(lambda: asked.hlen("bff:fleet:processes") == 2, seconds=60)


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


def test_a_chore_that_fails_keeps_neither_the_others_nor_the_worker_from_going_on() -> None:
    done: list[str] = []

    def chore_without_its_database() -> None:
        raise OperationalError("canceling statement due to lock timeout")

    def chore_without_its_table() -> None:
        raise ProgrammingError("there is no such table")

    def sweep(**_: Any) -> int:
        done.append("sweep")
        os.kill(os.getpid(), signal.SIGTERM)
        return 0

    chores = [chore_without_its_database, chore_without_its_table, lambda: done.append("chore")]
    with capture_logs() as lines:
        worker_module.run_worker(
            WorkerConf(sweep=sweep, do_drops=lambda: 0, chores=chores, has_broker=False), lambda _: None
        )

    assert done == ["chore", "sweep"]
    assert [(line["event"], line.get("reason"), line.get("chore")) for line in lines] == [
        ("worker.database_down", "OperationalError", None),
        ("worker.chore_failed", None, "chore_without_its_table"),
    ]


def test_each_turn_and_each_chore_touches_the_file_that_says_that_it_goes_on(tmp_path: Path) -> None:
    alive, seen = tmp_path / "worker" / "alive", list[bool]()

    def look_and_take_away() -> None:
        seen.append(alive.exists())
        alive.unlink(missing_ok=True)

    def sweep(**_: Any) -> int:
        look_and_take_away()
        if len(seen) == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return 1

    conf = WorkerConf(
        sweep=sweep, do_drops=lambda: 0, chores=[look_and_take_away] * 2, has_broker=False, alive_file=alive
    )
    worker_module.run_worker(conf, lambda _: None)

    # Both chores, a sweep without a touch of its own behind them in the same turn, and one of the next turn.
    assert seen == [True, True, False, True]


def test_a_disk_that_takes_nothing_keeps_no_worker_from_going_on() -> None:
    def sweep(**_: Any) -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        return 0

    nowhere = Path("/proc/none/alive")
    conf = WorkerConf(sweep=sweep, do_drops=lambda: 0, chores=(), has_broker=False, alive_file=nowhere)
    worker_module.run_worker(conf, lambda _: None)


def test_who_is_asked_to_stop_begins_no_further_chore() -> None:
    done: list[str] = []

    def chore() -> None:
        done.append("chore")
        os.kill(os.getpid(), signal.SIGTERM)

    conf = WorkerConf(sweep=lambda **_: 0, do_drops=lambda: 0, chores=[chore, chore], has_broker=False)
    worker_module.run_worker(conf, lambda _: None)

    assert done == ["chore"]
