"""How many of PostgreSQL's connections the processes take: counted at start, and under the load of many readers."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway_clients.database import connection_count
from sandbox.testing import Sandbox
from tests.database.conftest import Start, at_port, port_of, prepare
from tests.support.crowd import Ask, all_at_once, crowd
from tests.support.gateway import ROOT
from tests.support.processes import Started, clean_environment
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until
from tests.writes.servers import own_postgres

READERS = 160
LOAD_SECONDS = 15.0
#: Two gateways of two workers; the worker process has a thread that sweeps, one that does drops, and four that work.
MOST_OF_GATEWAYS = 2 * 2 * 10
MOST_OF_WORKER = 6
TAKEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'gateway'"


@contextmanager
def gateway_database(**settings: str) -> Iterator[tuple[str, Callable[[], int]]]:
    """A database of a user who may take no reserved connections, and how many connections it has."""
    with own_postgres(**settings) as url, psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute("CREATE ROLE gateway LOGIN")
        superuser.execute("CREATE DATABASE gateway OWNER gateway")
        own = at_port("postgres://gateway@127.0.0.1/gateway", port_of(url))
        prepare(own)
        yield own, lambda: int((superuser.execute(TAKEN).fetchone() or [0])[0])


@pytest.mark.long
def test_a_gateway_says_at_its_start_that_the_server_has_too_few_connections(
    start: Start, database_url: str, ask_database: Callable[..., Any]
) -> None:
    given = ask_database(connection_count.GIVEN)
    gateway = start(DATABASE_URL=database_url, WORKERS="1", DATABASE_POOL_SIZE=str(given + 1))

    (warning,) = [line for line in gateway.output.splitlines() if "gateway.W020" in line]
    assert f"1 workers may take {given + 1} database connections each, {given + 1} together" in warning
    assert f"but PostgreSQL gives {given}" in warning


def test_as_many_connections_as_the_server_gives_are_enough() -> None:
    assert connection_count.ConnectionCount(workers=2, pool_size=10, given=20).is_enough
    assert not connection_count.ConnectionCount(workers=2, pool_size=10, given=19).is_enough


@pytest.mark.long
@pytest.mark.alone
def test_the_shipped_numbers_fit_into_a_hundred_connections_with_160_readers(
    start: Start, tmp_path: Path, redis_server: RedisServer, sandbox: Sandbox
) -> None:
    counts: list[int] = []
    with gateway_database(max_connections="100") as (url, taken):
        # A Redis that is late on a busy machine would send the readers upstream; what is measured is the database.
        gateways = [start(DATABASE_URL=url, REDIS_TIMEOUT_SECONDS="5") for _ in range(2)]
        environment = {**clean_environment(), **sandbox.urls, "ENVIRONMENT": "development", "DATABASE_URL": url}
        worker = Started(
            [sys.executable, "manage.py", "run_worker"],
            cwd=ROOT,
            environment={**environment, "REDIS_URL": redis_server.url},
            log=tmp_path / "worker.log",
        )
        try:
            asks = [Ask(gateway.port, "/api/v1/dashboard/m-1", gateway.headers_of()) for gateway in gateways]
            assert [gateway.get("/api/v1/dashboard/m-1").status for gateway in gateways] == [200, 200]
            with crowd(lambda number: asks[number % 2], readers=READERS) as readers:
                until = time.monotonic() + LOAD_SECONDS
                wait_until(lambda: counts.append(taken()) or time.monotonic() > until, seconds=LOAD_SECONDS + 30)
            after = [reply.status for reply in all_at_once(asks * 20)]
        finally:
            worker.remove()

    answers = Counter((timed.reply.status, timed.reply.code) for timed in readers.timed)
    assert (set(answers), readers.failures) == ({(200, "")}, []), answers
    assert len(readers.timed) > READERS
    assert after == [200] * 40
    assert 0 < max(counts) <= MOST_OF_GATEWAYS + MOST_OF_WORKER
