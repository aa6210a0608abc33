"""What the benchmark starts: stand-in upstreams, a Redis, this gateway, and its peers; each with two workers."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from bff_project.processes.ports import LOOPBACK, free_port, is_answering
from gateway_clients.conf import SERVICES
from tests.support.gateway import NO_LIMIT, ROOT, RunningGateway
from tests.support.processes import Started, clean_environment
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

HERE: Final = Path(__file__).resolve().parent
MODULES: Final = Path("/usr/lib/nginx/modules")
PEER_VENV: Final = ROOT / ".run" / "bench-peer"
PEER_NODE: Final = ROOT / ".run" / "bench-node"
GATEWAY: Final = "gateway"
#: Who reads: one who may read all, or members, each of whom reads their own.
ADMIN: Final = "admin"
OWN: Final = "members"
MEMBERS: Final = 100
SECRET: Final = "a-secret-of-the-benchmark-that-guards-nothing"
WORKERS: Final = "2"
#: Time for answers that are late because the machine is full, and room for all connections in one worker: none of that
#: is a failure of an upstream.
UNHURRIED: Final = {
    "UPSTREAM_TIMEOUT_SECONDS": "5",
    "READ_BUDGET_SECONDS": "6",
    "BREAKER_SLOW_SECONDS": "5",
    "BULKHEAD_LIMIT": "16",
}


@dataclass(frozen=True, slots=True)
class Sites:
    """The addresses to measure, the processes behind them, and files with tokens: by site, then by who reads."""

    urls: Mapping[str, str]
    processes: Mapping[str, Sequence[int]]
    tokens: Mapping[str, Mapping[str, Path]]


@contextmanager
def running_sites(directory: Path, *, delay_ms: int, settings: Mapping[str, str] = UNHURRIED) -> Iterator[Sites]:
    """Runs all of it over upstreams that answer after so many milliseconds; the gateway with these settings."""
    redis = RedisServer()
    redis.start()
    upstreams = {f"{service.upper()}_SERVICE_URL": f"http://{LOOPBACK}:{free_port()}" for service in SERVICES}
    started: list[Started] = []
    try:
        started.append(nginx(directory, upstreams, delay_ms))
        gateway = RunningGateway(
            directory, redis_url=redis.url, upstreams=upstreams, JWT_SECRET=SECRET, WORKERS=WORKERS, **settings
        )
        started.append(gateway)
        gateway.await_ready()
        urls = {GATEWAY: f"http://{LOOPBACK}:{gateway.port}"}
        processes: dict[str, Sequence[int]] = {GATEWAY: gateway.workers}
        for name, (command, environment) in peers().items():
            port = free_port()
            peer = _peer(directory, name, port, command, {**upstreams, **environment, "REDIS_URL": redis.url})
            started.append(peer)
            wait_until(lambda port=port: _is_ready(port), seconds=60)
            urls[name], processes[name] = f"http://{LOOPBACK}:{port}", peer.living()
        yield Sites(urls, processes, dict.fromkeys(urls, _tokens(directory, gateway)))
    finally:
        for each in started:
            # nginx writes its title over its environment, where `remove` would look for it.
            each.process.terminate()
            each.remove()
        redis.remove()


def _tokens(directory: Path, gateway: RunningGateway) -> Mapping[str, Path]:
    """Files with the tokens of an admin, and of the members who read their own."""
    environment = {
        **clean_environment(),
        "ENVIRONMENT": "development",
        "DJANGO_SETTINGS_MODULE": "bff_project.settings",
        "DATABASE_URL": f"sqlite:///{gateway.database}",
        "REDIS_URL": gateway.redis_url,
        "JWT_SECRET": SECRET,
    }
    command = [sys.executable, "-m", "tests.bench.members", str(MEMBERS)]
    made = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    tokens = {ADMIN: gateway.token("admin") + "\n", OWN: made.stdout}
    files = {who: directory / f"{gateway.port}-{who}.tokens" for who in tokens}
    for who, path in files.items():
        path.write_text(tokens[who])
    return files


def nginx(directory: Path, upstreams: Mapping[str, str], delay_ms: int) -> Started:
    """Starts the upstreams at these addresses."""
    ports = [int(url.rpartition(":")[2]) for url in upstreams.values()]
    own = directory / f"nginx-{delay_ms}"
    own.mkdir()
    text = (HERE / "upstreams.conf").read_text()
    for name, value in {
        "DIRECTORY": str(own),
        "MODULES": str(MODULES),
        "LUA": str(HERE),
        "LISTEN": "\n".join(f"    listen {LOOPBACK}:{port} backlog=4096;" for port in ports),
        "DELAY_MS": str(delay_ms),
    }.items():
        text = text.replace(f"@{name}@", value)
    conf = own / "nginx.conf"
    conf.write_text(text)
    nginx = Started(
        ["nginx", "-p", str(own), "-e", str(own / "error.log"), "-c", str(conf)],
        cwd=own,
        environment={**clean_environment(), "PATH": f"{os.environ['PATH']}:/usr/sbin"},
        log=own / "nginx.log",
    )
    wait_until(lambda: all(map(is_answering, ports)), seconds=10)
    return nginx


def peers() -> Mapping[str, tuple[Sequence[str], Mapping[str, str]]]:
    """The command of each peer and what its environment has beside addresses; `{port}` stands for its port."""
    python = [str(peer_python()), "-m", "uvicorn", "peer:app", "--port", "{port}", "--workers", WORKERS]
    python += ["--no-access-log", "--log-level", "warning"]
    found: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {
        name: (python, {"CLIENT": name}) for name in ("httpx", "aiohttp")
    }
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        print("There is no Node here: Express + Apollo and Fastify + Mercurius are LEFT OUT.", file=sys.stderr)
        return found
    script = str(node_project(npm) / "peer.mjs")
    return {**found, **{name: ([node, script], {"PEER": name, "PORT": "{port}"}) for name in ("apollo", "mercurius")}}


def _peer(directory: Path, name: str, port: int, command: Sequence[str], environment: Mapping[str, str]) -> Started:
    own = {variable: value.replace("{port}", str(port)) for variable, value in environment.items()}
    return Started(
        [part.replace("{port}", str(port)) for part in command],
        cwd=HERE,
        environment={**clean_environment(), **own, "JWT_SECRET": SECRET, "RATE_LIMIT_MAX": NO_LIMIT},
        log=directory / f"{name}-{port}.log",
    )


def peer_python() -> Path:
    """The Python of the peer's own virtual environment, made when it is not there or its requirements have changed."""
    wanted, made = (HERE / "requirements.txt").read_text(), PEER_VENV / "requirements.txt"
    python = PEER_VENV / "bin" / "python"
    if not made.exists() or made.read_text() != wanted:
        venv.create(PEER_VENV, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", "-r", HERE / "requirements.txt"], check=True)
        made.write_text(wanted)
    return python


def node_project(npm: str) -> Path:
    """The folder of the peers on Node with what they run on, made when it is not there or theirs has changed."""
    project = HERE / "node"
    wanted, made = (project / "package-lock.json").read_bytes(), PEER_NODE / "installed"
    if not made.exists() or made.read_bytes() != wanted:
        shutil.rmtree(PEER_NODE, ignore_errors=True)
        shutil.copytree(project, PEER_NODE, ignore=shutil.ignore_patterns("node_modules"))
        subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--silent"], cwd=PEER_NODE, check=True)
        made.write_bytes(wanted)
    shutil.copy(project / "peer.mjs", PEER_NODE)
    return PEER_NODE


def _is_ready(port: int) -> bool:
    connection = HTTPConnection(LOOPBACK, port, timeout=2)
    with suppress(OSError, HTTPException):
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    return False
