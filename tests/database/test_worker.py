"""The worker while PostgreSQL accepts and says nothing: it waits, ends when it is asked to, and goes on by itself."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.database.conftest import at_port
from tests.support.gateway import ROOT
from tests.support.processes import Started, clean_environment
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.alone, pytest.mark.long]
#: A message whose kind nobody knows is parked at once.
PUT = (
    "INSERT INTO gateway_clients_outboxmessage (kind, key, about, payload, created_at, due_at, attempts, refusals,"
    " fence, trouble) VALUES ('of.nobody', %s, '', '{}', now(), now(), 0, 0, 0, '') RETURNING 1"
)
PARKED = "SELECT count(*) FROM gateway_clients_outboxmessage WHERE key = %s AND parked_at IS NOT NULL"


@pytest.fixture
def worker(database_url: str, proxy: TcpProxy, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Started]:
    environment = {
        **clean_environment(),
        "ENVIRONMENT": "development",
        "DATABASE_URL": at_port(database_url, proxy.port),
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    command = [sys.executable, "manage.py", "run_worker"]
    made = Started(command, cwd=ROOT, environment=environment, log=tmp_path / "worker.log")
    yield made
    made.remove()


def test_it_outlives_a_frozen_database_and_ends_while_it_is_frozen(
    worker: Started, proxy: TcpProxy, ask_database: Callable[..., Any]
) -> None:
    ask_database(PUT, "before")
    wait_until(lambda: ask_database(PARKED, "before") == 1, seconds=30)

    proxy.freeze()
    wait_until(lambda: "worker.database_down" in worker.output, seconds=10)
    proxy.thaw()
    ask_database(PUT, "after")
    wait_until(lambda: ask_database(PARKED, "after") == 1, seconds=20)

    downs = worker.output.count("worker.database_down")
    proxy.freeze()
    wait_until(lambda: worker.output.count("worker.database_down") > downs, seconds=10)
    began = time.monotonic()
    assert worker.stop(seconds=20) == 0
    assert time.monotonic() - began < 5.0
