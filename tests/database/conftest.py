"""PostgreSQL databases of a test's own, with the tables and the demo accounts, and gateways before them."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db.utils import ConnectionHandler

from bff_project.setting_addresses import database
from gateway_clients.database import process_mode
from gateway_clients.database.breaker import database_breaker
from gateway_clients.database.postgresql.base import DatabaseWrapper
from sandbox.testing import Sandbox
from tests.support.gateway import MAKE_DATABASE, ROOT, RunningGateway
from tests.support.processes import clean_environment
from tests.support.redis_server import RedisServer
from tests.support.tcp_proxy import TcpProxy
from tests.writes.servers import postgres

Start = Callable[..., RunningGateway]


def at_port(url: str, port: int) -> str:
    """The same database behind another port."""
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return parts._replace(netloc=f"{login}@127.0.0.1:{port}").geturl()


def port_of(url: str) -> int:
    """Its server's port."""
    return urlsplit(url).port or 5432


def prepare(url: str) -> None:
    """Makes the tables and the demo accounts."""
    environment = {
        **clean_environment(),
        "ENVIRONMENT": "development",
        "DJANGO_SETTINGS_MODULE": "bff_project.settings",
        "DATABASE_URL": url,
    }
    command = [sys.executable, "-c", MAKE_DATABASE]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120)


@pytest.fixture(scope="package")
def database_url() -> Iterator[str]:
    """A PostgreSQL database with the tables and the demo accounts."""
    with postgres() as url:
        prepare(url)
        yield url


@pytest.fixture
def proxy(database_url: str, tmp_path: Path) -> Iterator[TcpProxy]:
    """A proxy before that database's server, which can be frozen."""
    made = TcpProxy(port_of(database_url), tmp_path)
    yield made
    made.remove()


@pytest.fixture(scope="package")
def sandbox() -> Iterator[Sandbox]:
    """Every service."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def start(tmp_path: Path, redis_server: RedisServer, sandbox: Sandbox) -> Iterator[Start]:
    """Starts a gateway; `DATABASE_URL` says on which database."""
    started: list[RunningGateway] = []

    def begin(**settings: str) -> RunningGateway:
        gateway = RunningGateway(
            tmp_path, redis_url=redis_server.url, upstreams=sandbox.urls, database=tmp_path / "none", **settings
        )
        started.append(gateway)
        gateway.await_ready()
        return gateway

    yield begin
    for gateway in started:
        gateway.remove()


@pytest.fixture
def ask_database(database_url: str) -> Callable[..., Any]:
    """Asks the database itself; the first column of the first row."""

    def ask(statement: str, *given: Any) -> Any:
        with psycopg.connect(database_url, autocommit=True) as connection:
            row = connection.execute(statement, given).fetchone()
        return row[0] if row else None

    return ask


@contextmanager
def holding(url: str, statement: str) -> Iterator[None]:
    """What the statement locks is held by somebody else."""
    with psycopg.connect(url) as connection:
        connection.execute(statement)
        yield
        connection.rollback()


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any) -> Iterator[Callable[..., DatabaseWrapper]]:
    """Makes a way to a database as a serving process has it, with a pool and a breaker of this test's own."""
    process_mode.serve()
    database_breaker.cache_clear()
    monkeypatch.setattr(DatabaseWrapper, "_connection_pools", pools := {})

    def make(url: str, *, size: int = 2) -> DatabaseWrapper:
        given = {**database(url), "CONN_MAX_AGE": 0, "OPTIONS": {"pool": {"max_size": size}}}
        made = ConnectionHandler({"default": {**given, "ENGINE": "gateway_clients.database.postgresql"}})["default"]
        made.inc_thread_sharing()
        return made

    with django_db_blocker.unblock():
        yield make
    for pool in pools.values():
        pool.close()
    process_mode.stop_serving()
    database_breaker.cache_clear()
