"""Databases and brokers for tests: a part of one that answers, or one of our own where its program is installed."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg
import pytest
from kombu import Connection
from psycopg import sql

from bff_project.processes.ports import LOOPBACK, free_port
from tests.support.programs import NOT_RUN, program
from tests.support.waiting import wait_until

POSTGRES_URL: Final = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@localhost:5432/postgres")
RABBITMQ_URL: Final = os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@localhost:5672/")
POSTGRES_PLACES: Final = "/usr/lib/postgresql/*/bin"
RABBITMQ_PLACES: Final = "/usr/lib/rabbitmq/bin"


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL database of the test's own."""
    if _is_postgres(POSTGRES_URL):
        with _database(POSTGRES_URL) as url:
            yield url
        return
    with own_postgres() as server_url, _database(server_url) as url:
        yield url


@contextmanager
def own_postgres(*, address: str = LOOPBACK, **settings: str) -> Iterator[str]:
    """The URL of the database `postgres` of a server of the test's own, as its superuser.

    `address` is where it listens; whoever is on the same network is let in there.
    """
    initdb, server = _program("initdb", POSTGRES_PLACES), _program("postgres", POSTGRES_PLACES)
    with _own_directory("postgres") as (directory, user):
        data, port = str(directory / "data"), str(free_port())
        subprocess.run(
            [initdb, "--pgdata", data, "--auth=trust", "--username=postgres", "--no-sync"],
            user=user, check=True, capture_output=True,
        )  # fmt: skip
        if address != LOOPBACK:
            with (directory / "data" / "pg_hba.conf").open("a") as rules:
                rules.write("host all all samenet trust\n")
        given = {"listen_addresses": address, **settings}
        options = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
        command = [server, "-D", data, "-p", port, "-k", str(directory), *options]
        with _running(command, user=user, environment=os.environ, stop=signal.SIGINT):
            url = f"postgres://postgres@{address}:{port}/postgres"
            wait_until(lambda: _is_postgres(url), seconds=60)
            yield url


@contextmanager
def rabbitmq(*, address: str = LOOPBACK) -> Iterator[str]:
    """The URL of a RabbitMQ virtual host of the test's own; `address` is where a server of ours listens."""
    if _is_broker(RABBITMQ_URL):
        with _virtual_host(program("rabbitmqctl"), RABBITMQ_URL) as url:
            yield url
        return
    server = _program("rabbitmq-server", RABBITMQ_PLACES)
    with _own_directory("rabbitmq") as (directory, user):
        port, distribution_port = free_port(), free_port()
        (directory / "rabbitmq.conf").write_text(f"listeners.tcp.local = {address}:{port}\nloopback_users = none\n")
        environment = {
            **os.environ,
            "HOME": str(directory),
            "RABBITMQ_NODENAME": f"test{port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
            "RABBITMQ_DIST_PORT": str(distribution_port),
            "RABBITMQ_MNESIA_BASE": str(directory / "data"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
            "RABBITMQ_PID_FILE": str(directory / "pid"),
        }
        with _running([server], user=user, environment=environment, stop=signal.SIGTERM):
            url = f"amqp://guest:guest@{address}:{port}/"
            wait_until(lambda: _is_broker(url), seconds=90)
            yield url


@contextmanager
def pgbouncer(url: str, *, connections: int = 1) -> Iterator[str]:
    """The same database behind a PgBouncer of the test's own, in transaction mode, with so many server connections."""
    bouncer = program("pgbouncer", "/usr/sbin/pgbouncer")
    target, port = urlsplit(url), free_port()
    name = target.path.lstrip("/")
    with _own_directory("pgbouncer") as (directory, user):
        password = f" password={target.password}" if target.password else ""
        (directory / "users.txt").write_text(f'"{target.username}" ""\n')
        (directory / "pgbouncer.ini").write_text(
            "[databases]\n"
            f"{name} = host={target.hostname} port={target.port or 5432} dbname={name}"
            f" user={target.username}{password} pool_size={connections}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {directory}/users.txt\npool_mode = transaction\n"
        )
        command = [bouncer, "-q", str(directory / "pgbouncer.ini")]
        with _running(command, user=user, environment=os.environ, stop=signal.SIGINT):
            own = f"postgres://{target.username}@127.0.0.1:{port}/{name}"
            wait_until(lambda: _is_postgres(own), seconds=20)
            yield own


@contextmanager
def _database(url: str) -> Iterator[str]:
    name = f"test_writes_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield f"{url.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _virtual_host(ctl: str, url: str) -> Iterator[str]:
    name, user = f"test-writes-{secrets.token_hex(4)}", url.partition("://")[2].partition(":")[0]

    def control(*arguments: str) -> None:
        subprocess.run([ctl, *arguments], check=True, capture_output=True)

    control("add_vhost", name)
    try:
        control("set_permissions", "-p", name, user, ".*", ".*", ".*")
        yield f"{url.rstrip('/')}/{name}"
    finally:
        control("delete_vhost", name)


def _is_postgres(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True


def _is_broker(url: str) -> bool:
    try:
        with Connection(url, connect_timeout=2) as connection:
            connection.ensure_connection(max_retries=1, timeout=2)
    except Exception:  # noqa: BLE001 - whatever its client raises, it is not there
        return False
    return True


def _program(name: str, places: str) -> str:
    found = [str(each) for each in sorted(Path("/").glob(f"{places.lstrip('/')}/{name}"), reverse=True)]
    found += [path] if (path := shutil.which(name)) else []
    if not found:
        pytest.skip(f"{NOT_RUN} {name}")
    return found[0]


@contextmanager
def _own_directory(name: str) -> Iterator[tuple[Path, str | None]]:
    """A directory for a server that refuses to run as root, and the user it is to run as then."""
    user = None
    if os.geteuid() == 0:
        names = {entry.pw_name for entry in pwd.getpwall()}
        user = name if name in names else "nobody"
    with tempfile.TemporaryDirectory(prefix=f"{name}-", ignore_cleanup_errors=True) as text:
        directory = Path(text)
        directory.chmod(0o755)
        if user is not None:
            shutil.chown(directory, user)
        yield directory, user


@contextmanager
def _running(
    command: Sequence[str], *, user: str | None, environment: Mapping[str, str], stop: signal.Signals
) -> Iterator[None]:
    process = subprocess.Popen(
        command, user=user, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, stop)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
