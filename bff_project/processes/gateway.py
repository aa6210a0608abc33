"""The gateway as a process: a small parent that minds the HTTP server, serves metrics, and drains before its end."""

import os
import secrets
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prometheus_client.registry import Collector

from bff_project.processes import child_processes
from bff_project.processes.child_processes import Child, Program
from bff_project.processes.errors import ChildDiedError
from bff_project.processes.metrics_server import serve_metrics
from bff_project.processes.ports import LOOPBACK, PortWish, refuse_busy
from bff_project.processes.signals import StopRequest
from gateway_clients.instrumentation.worker_metrics import empty

TICK_SECONDS: Final = 0.2
HASTY_FINISH_SECONDS: Final = 5.0
RESTARTS: Final = 5
RESTARTS_WITHIN_SECONDS: Final = 60.0
RESTART_PAUSE_SECONDS: Final = 0.5
#: A file system in memory, on Linux: files can be made there also while every disk is full or read-only.
MEMORY: Final = Path("/dev/shm")  # noqa: S108  a name there cannot be guessed
#: How the server's processes allocate, unless the environment says otherwise. A worker of many threads computes in one
#: at a time, so that memory which allocators keep ready for each thread is of no use: two pools of glibc's for all
#: threads (mallopt(3)) and no caches of theirs, nor of jemalloc's, which granian's Rust allocates with. On PostgreSQL
#: behind 64 connections a worker held 128 MB with some 140 threads, 137 MB with glibc's caches, and with jemalloc's and
#: larger buffers besides 154 MB (2026-11-29, two runs each).
ALLOCATORS: Final[Mapping[str, str]] = {
    "MALLOC_ARENA_MAX": "2",
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",
    "_RJEM_MALLOC_CONF": "narenas:1,tcache:false",
}
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConf:
    """How the gateway is served. `metrics_port` None: no metrics; `collectors` tell of more than the workers do."""

    host: str
    port: int
    metrics_port: int | None
    workers: int
    threads: int
    drain_seconds: float
    finish_seconds: float
    run_dir: Path
    metrics_dir: Path
    collectors: tuple[Collector, ...] = ()
    drain_name: str = field(default_factory=lambda: f"draining-{secrets.token_hex(8)}")

    @property
    def drain_file(self) -> Path:
        """There as long as the gateway drains; `/health/ready` looks for it."""
        return (MEMORY if os.access(MEMORY, os.W_OK) else self.run_dir) / self.drain_name


def serve(conf: GatewayConf, say: Say) -> None:
    """Serves until asked to stop. Raises StartError (a port is taken) or ChildDiedError (the server keeps dying)."""
    with StopRequest() as stop:
        refuse_busy(port_wishes(conf))
        _prepare(conf, say)
        if conf.metrics_port is not None:
            serve_metrics(conf.host, conf.metrics_port, conf.metrics_dir, conf.collectors)
            say(f"Metrics on http://{LOOPBACK}:{conf.metrics_port}/metrics")
        say(f"Gateway on http://{LOOPBACK}:{conf.port} ({conf.workers} workers of {conf.threads} threads)")
        server = _mind(conf, stop, say)
        say("Stopping: finishing what is in flight.")
        _drain(conf, server, stop)
        with suppress(OSError):
            conf.drain_file.unlink(missing_ok=True)


def _prepare(conf: GatewayConf, say: Say) -> None:
    """Makes the directories, without what an earlier run left in them; a disk that takes nothing costs samples only."""
    try:
        empty(conf.metrics_dir)
        conf.drain_file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        say(f"{error.filename} cannot be written ({error.strerror}): serving without all metrics.")


def port_wishes(conf: GatewayConf) -> tuple[PortWish, ...]:
    """The ports the gateway listens on."""
    metrics = () if conf.metrics_port is None else (PortWish("METRICS_PORT", conf.metrics_port, conf.host),)
    return (PortWish("PORT", conf.port, conf.host), *metrics)


def _mind(conf: GatewayConf, stop: StopRequest, say: Say) -> Child:
    """Keeps the server running until somebody asks to stop; the server that runs then."""
    starts: deque[float] = deque(maxlen=RESTARTS)
    while True:
        starts.append(time.monotonic())
        server = child_processes.start(_server_program(conf))
        while server.is_running:
            if stop.wait(TICK_SECONDS):
                return server
            child_processes.reap_orphans(server)
        server.kill_group()
        if len(starts) == RESTARTS and time.monotonic() - starts[0] < RESTARTS_WITHIN_SECONDS:
            raise ChildDiedError(f"The HTTP server ended {RESTARTS} times within {RESTARTS_WITHIN_SECONDS:.0f} s.")
        say("The HTTP server ended by itself; starting it again.")
        if stop.wait(RESTART_PAUSE_SECONDS):
            return server


def _drain(conf: GatewayConf, server: Child, stop: StopRequest) -> None:
    """Not ready, but serving for `drain_seconds`; then the requests in flight; a hasty stop cuts both short."""
    with suppress(OSError):
        conf.drain_file.touch()
    _let_run(server, stop, conf.drain_seconds)
    server.signal(signal.SIGTERM)
    _let_run(server, stop, conf.finish_seconds + 1)
    child_processes.end([server], grace_seconds=HASTY_FINISH_SECONDS if stop.is_hasty else 0)
    server.kill_group()


def _let_run(server: Child, stop: StopRequest, seconds: float) -> None:
    """Waits until the server has ended, for so long at most and until somebody is in haste."""
    until = time.monotonic() + seconds
    while server.is_running and not stop.is_hasty and (left := until - time.monotonic()) > 0:
        stop.wait(min(TICK_SECONDS, left))


def _server_program(conf: GatewayConf) -> Program:
    arguments = {
        "--host": conf.host,
        "--port": conf.port,
        "--workers": conf.workers,
        "--threads": conf.threads,
        "--finish-seconds": max(1, int(conf.finish_seconds)),
    }
    return Program(
        name="The HTTP server",
        command=[
            *(sys.executable, "-m", "bff_project.processes.http_server"),
            *(str(part) for pair in arguments.items() for part in pair),
        ],
        environment={
            "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "bff_project.settings"),
            "PROMETHEUS_MULTIPROC_DIR": str(conf.metrics_dir),
            "DRAIN_FILE": str(conf.drain_file),
            **{name: os.environ.get(name, value) for name, value in ALLOCATORS.items()},
        },
    )
