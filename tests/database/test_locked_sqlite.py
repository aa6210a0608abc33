"""SQLite while somebody else holds its lock for writing: writes are refused in budget, reads go on."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.testing import Sandbox
from tests.support.gateway import RunningGateway
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.alone


@pytest.fixture
def gateway(tmp_path: Path, redis_server: RedisServer, sandbox: Sandbox) -> Iterator[RunningGateway]:
    made = RunningGateway(tmp_path, redis_url=redis_server.url, upstreams=sandbox.urls)
    made.await_ready()
    yield made
    made.remove()


@pytest.mark.long
def test_a_write_waits_two_seconds_for_the_lock_and_is_refused(gateway: RunningGateway) -> None:
    for who in ("admin", "member"):
        gateway.token(who)
    with closing(sqlite3.connect(gateway.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        login, dashboard, of_an_admin, health = (
            gateway.sign_in("admin"),
            gateway.get("/api/v1/dashboard/m-1", as_="member"),
            gateway.get("/api/v1/dashboard/m-1"),
            gateway.get("/health", as_=None),
        )
        other.execute("ROLLBACK")

    assert (login.status, login.code) == (503, "upstream_unavailable")
    assert 1.5 < login.seconds < 3.5
    assert (dashboard.status, health.json["checks"]["database"]) == (200, "up")
    # Whoever sees others' data is written down before the answer.
    assert (of_an_admin.status, of_an_admin.code) == (503, "upstream_unavailable")
    assert gateway.sign_in("admin").status == 200
