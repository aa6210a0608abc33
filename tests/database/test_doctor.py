"""`manage.py doctor` on PostgreSQL: with too few connections, behind PgBouncer, and while it is frozen."""

import json
import subprocess
import sys

import pytest

from gateway_clients.conf import SERVICES
from tests.database.conftest import at_port
from tests.support.gateway import ROOT
from tests.support.processes import clean_environment
from tests.support.tcp_proxy import TcpProxy
from tests.writes.servers import pgbouncer

NOWHERE = {f"{name.upper()}_SERVICE_URL": "http://127.0.0.1:1" for name in SERVICES}
#: More processes than any PostgreSQL has connections for.
LARGE_FLEET = ("--gateways", "1000", "--workers", "1000")


def last_of_database(url: str) -> tuple[str, str]:
    """The level and the text of the last finding at the database."""
    environment = {
        **clean_environment(),
        **NOWHERE,
        "ENVIRONMENT": "development",
        "DATABASE_URL": url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json", *LARGE_FLEET],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    *_, found = (each for each in map(json.loads, done.stdout.splitlines()) if each["area"] == "database")
    return found["level"], found["text"]


def test_too_few_connections_are_wrong(database_url: str) -> None:
    level, text = last_of_database(database_url)

    assert level == "wrong"
    assert text.startswith("all processes may take 30000 connections, it gives ")


def test_behind_pgbouncer_it_is_pgbouncer_that_has_to_give_them(database_url: str) -> None:
    with pgbouncer(database_url) as url:
        level, text = last_of_database(url)

    assert (level, text) == ("ok", "all processes may take 30000 connections of the pooler that stands before it")


@pytest.mark.long
def test_a_frozen_database_is_told_of_and_not_waited_for(proxy: TcpProxy, database_url: str) -> None:
    proxy.freeze()
    level, text = last_of_database(at_port(database_url, proxy.port))

    assert (level, text) == ("wrong", "it cannot be used: OperationalError")
