"""What `pairs` starts: stand-in upstreams and a Redis, and a gateway or a reader of each checkout."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from bff_project.processes.ports import LOOPBACK, free_port
from gateway_clients.conf import SERVICES
from tests.bench.sites import ADMIN, HERE, MEMBERS, OWN, SECRET, UNHURRIED, Sites, nginx
from tests.support.gateway import ACCOUNTS, MAKE_DATABASE, NO_LIMIT, RunningGateway
from tests.support.processes import clean_environment
from tests.support.redis_server import RedisServer

ACCOUNT: Final = ACCOUNTS["admin"]
#: Makes accounts of the members who read their own, by what older checkouts have, too; they have the admin's password.
MAKE_MEMBERS: Final = (
    "import django; django.setup(); from members.models import Account; "
    f"hashed = Account.objects.get(email={ACCOUNT.email!r}).password; "
    "Account.objects.bulk_create(Account(email=f'bench-{number}@example.org', member_id=f'm-{number}', password=hashed)"
    f" for number in range({MEMBERS}))"
)


@contextmanager
def surroundings(directory: Path, delay_ms: int) -> Iterator[tuple[RedisServer, Mapping[str, str]]]:
    """Redis, and settings with the upstreams' addresses; these answer after so many milliseconds."""
    redis = RedisServer()
    redis.start()
    upstreams = {f"{service.upper()}_SERVICE_URL": f"http://{LOOPBACK}:{free_port()}" for service in SERVICES}
    try:
        running = nginx(directory, upstreams, delay_ms)
        try:
            yield redis, {**upstreams, **UNHURRIED, "JWT_SECRET": SECRET}
        finally:
            # nginx writes its title over its environment, where `remove` would look for it.
            running.process.terminate()
            running.remove()
    finally:
        redis.remove()


@contextmanager
def running_gateways(
    directory: Path, roots: Mapping[str, Path], *, delay_ms: int, workers: Mapping[str, int] | None = None
) -> Iterator[Sites]:
    """A gateway of each checkout, with a database of Redis of its own, and one worker unless told."""
    gateways: dict[str, RunningGateway] = {}
    with surroundings(directory, delay_ms) as (redis, settings):
        try:
            for number, (name, root) in enumerate(roots.items()):
                gateways[name] = RunningGateway(
                    directory,
                    redis_url=database_url(redis, number),
                    upstreams=settings,
                    database=_database(root, directory / f"{name}.sqlite3"),
                    tree=root,
                    WORKERS=str((workers or {}).get(name, 1)),
                )
                gateways[name].await_ready()
            yield Sites(
                {name: f"http://{LOOPBACK}:{gateway.port}" for name, gateway in gateways.items()},
                {name: gateway.workers for name, gateway in gateways.items()},
                {name: _tokens(directory, gateway) for name, gateway in gateways.items()},
            )
        finally:
            for gateway in gateways.values():
                gateway.remove()


def _tokens(directory: Path, gateway: RunningGateway) -> Mapping[str, Path]:
    """Files with the tokens of an admin, and of the members who read their own; all signed in."""
    members = [_token(gateway, f"bench-{number}@example.org") for number in range(MEMBERS)]
    tokens = {ADMIN: [_token(gateway, ACCOUNT.email)], OWN: members}
    files = {who: directory / f"{gateway.port}-{who}.tokens" for who in tokens}
    for who, path in files.items():
        path.write_text("".join(f"{token}\n" for token in tokens[who]))
    return files


def _token(gateway: RunningGateway, email: str) -> str:
    body = json.dumps({"email": email, "password": ACCOUNT.password}).encode()
    reply = gateway.ask("POST", "/api/v1/auth/login", headers={"Content-Type": "application/json"}, body=body)
    token: str = reply.json["access_token"]
    return token


class RunningReader:
    """A `reader` process of one checkout."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "reader.py"), ACCOUNT.email, ACCOUNT.password],
            cwd=root,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._next("READY")

    def microseconds(self, what: str, members: int, reads: int) -> float:
        """What one read takes of the processor."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what} {members} {reads}\n")
        self._process.stdin.flush()
        return float(self._next("MICROSECONDS"))

    def traced(self, what: str) -> str:
        """Functions, files and frames of one read of a member that nobody has read yet."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what} 0 0\n")
        self._process.stdin.flush()
        return self._next("TRACED").strip()

    def _next(self, word: str) -> str:
        """The rest of the next line that begins with the word; others are the gateway's log."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(word):
                return line.removeprefix(word)
        raise RuntimeError("a reader has ended")

    def end(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()


@contextmanager
def running_readers(
    directory: Path, roots: Mapping[str, Path], *, delay_ms: int
) -> Iterator[Mapping[str, RunningReader]]:
    """A reader of each checkout, with a database of Redis of its own; it counts as a worker of a gateway does."""
    with surroundings(directory, delay_ms) as (redis, settings), ExitStack() as stack:
        readers: dict[str, RunningReader] = {}
        for number, (name, root) in enumerate(roots.items()):
            readers[name] = running_reader(
                directory, name, root, {**settings, "REDIS_URL": database_url(redis, number)}
            )
            stack.callback(readers[name].end)
        yield readers


def running_reader(directory: Path, name: str, root: Path, settings: Mapping[str, str]) -> RunningReader:
    """A reader of a checkout with its own database; to be ended."""
    metrics = directory / f"{name}-metrics"
    metrics.mkdir()
    environment = {
        **clean_environment(),
        **settings,
        "DJANGO_SETTINGS_MODULE": "bff_project.settings",
        "ENVIRONMENT": "development",
        "DATABASE_URL": f"sqlite:///{_database(root, directory / f'{name}.sqlite3')}",
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "RATE_LIMIT_MAX": NO_LIMIT,
        "LOGIN_RATE_LIMIT_MAX": NO_LIMIT,
    }
    return RunningReader(root, environment)


def database_url(redis: RedisServer, database: int) -> str:
    """The address of one of its databases."""
    return f"{redis.url.rpartition('/')[0]}/{database}"


def _database(root: Path, path: Path) -> Path:
    """A database that the checkout's own code has migrated; checkouts may differ in their tables."""
    environment = {
        **clean_environment(),
        "ENVIRONMENT": "development",
        "DJANGO_SETTINGS_MODULE": "bff_project.settings",
        "DATABASE_URL": f"sqlite:///{path}",
    }
    for made in (MAKE_DATABASE, MAKE_MEMBERS):
        command = [sys.executable, "-c", made]
        subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True, timeout=120)
    return path
