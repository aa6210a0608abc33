"""What the benchmark starts: stand-in upstreams, a Redis, this gateway, and the FastAPI peer; each with two workers."""

import os
import subprocess
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
    """The addresses to measure, the processes behind them, and the token that opens both."""

    urls: Mapping[str, str]
    processes: Mapping[str, Sequence[int]]
    token: str


@contextmanager
def running_sites(directory: Path, *, delay_ms: int) -> Iterator[Sites]:
    """Runs all of it over upstreams that answer after so many milliseconds."""
    redis = RedisServer()
    redis.start()
    upstreams = {f"{service.upper()}_SERVICE_URL": f"http://{LOOPBACK}:{free_port()}" for service in SERVICES}
    started: list[Started] = []
    try:
        started.append(_nginx(directory, upstreams, delay_ms))
        gateway = RunningGateway(
            directory, redis_url=redis.url, upstreams=upstreams, JWT_SECRET=SECRET, WORKERS=WORKERS, **UNHURRIED
        )
        started.append(gateway)
        gateway.await_ready()
        peer_port = free_port()
        peer = _peer(directory, peer_port, redis.url, upstreams)
        started.append(peer)
        urls = {"gateway": f"http://{LOOPBACK}:{gateway.port}", "fastapi": f"http://{LOOPBACK}:{peer_port}"}
        yield Sites(urls, {"gateway": gateway.workers, "fastapi": peer.living()}, gateway.token("admin"))
    finally:
        for each in started:
            # nginx writes its title over its environment, where `remove` would look for it.
            each.process.terminate()
            each.remove()
        redis.remove()


def _nginx(directory: Path, upstreams: Mapping[str, str], delay_ms: int) -> Started:
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


def _peer(directory: Path, port: int, redis_url: str, upstreams: Mapping[str, str]) -> Started:
    python = peer_python()
    command = [str(python), "-m", "uvicorn", "peer:app", "--port", str(port), "--workers", WORKERS, "--no-access-log"]
    peer = Started(
        [*command, "--log-level", "warning"],
        cwd=HERE,
        environment={
            **clean_environment(),
            **upstreams,
            "REDIS_URL": redis_url,
            "JWT_SECRET": SECRET,
            "RATE_LIMIT_MAX": NO_LIMIT,
        },
        log=directory / "peer.log",
    )
    wait_until(lambda: _is_ready(port), seconds=30)
    return peer


def peer_python() -> Path:
    """The Python of the peer's own virtual environment, made when it is not there or its requirements have changed."""
    wanted, made = (HERE / "requirements.txt").read_text(), PEER_VENV / "requirements.txt"
    python = PEER_VENV / "bin" / "python"
    if not made.exists() or made.read_text() != wanted:
        venv.create(PEER_VENV, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", "-r", HERE / "requirements.txt"], check=True)
        made.write_text(wanted)
    return python


def _is_ready(port: int) -> bool:
    connection = HTTPConnection(LOOPBACK, port, timeout=2)
    with suppress(OSError, HTTPException):
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    return False
