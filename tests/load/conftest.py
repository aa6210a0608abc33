"""Gateways of a test's own, over one Redis and one database, with the sandbox behind them."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bff_project.processes.worker import READY
from sandbox.testing import Sandbox
from tests.support.gateway import ROOT, RunningGateway
from tests.support.processes import Started, clean_environment
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

Start = Callable[..., RunningGateway]
StartWorker = Callable[[RunningGateway], Started]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Every service."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def start(tmp_path: Path, redis_server: RedisServer, sandbox: Sandbox) -> Iterator[Start]:
    """Starts a gateway with settings of its own; the second is a process beside the first, on the same database.

    `tree` is the checkout that it runs from.
    """
    started: list[RunningGateway] = []

    def begin(tree: Path = ROOT, **settings: str) -> RunningGateway:
        gateway = RunningGateway(
            tmp_path,
            redis_url=redis_server.url,
            upstreams={**sandbox.urls, **settings},
            database=started[0].database if started else None,
            tree=tree,
        )
        started.append(gateway)
        gateway.await_ready()
        return gateway

    yield begin
    for gateway in started:
        gateway.remove()


@pytest.fixture
def start_worker(tmp_path: Path, redis_server: RedisServer, sandbox: Sandbox) -> Iterator[StartWorker]:
    """Starts a worker beside a gateway, on its database."""
    started: list[Started] = []

    def begin(gateway: RunningGateway) -> Started:
        environment = {
            **clean_environment(),
            **sandbox.urls,
            "ENVIRONMENT": "development",
            "DATABASE_URL": f"sqlite:///{gateway.database}",
            "REDIS_URL": redis_server.url,
        }
        command = [sys.executable, "manage.py", "run_worker"]
        worker = Started(command, cwd=ROOT, environment=environment, log=tmp_path / "worker.log")
        started.append(worker)
        wait_until(lambda: READY in worker.output, seconds=30)
        return worker

    yield begin
    for worker in started:
        worker.remove()
