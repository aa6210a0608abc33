"""The HTTP server: granian with worker processes of blocking threads; `python -m` this, started by `serve`.

Measured beside gunicorn's gthread (2 workers, 32 threads, a trivial Django view): 2.5 times as many requests, and slow
request heads don't take its threads.
"""

import argparse
import faulthandler
import os
import signal
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from bff_project.processes.leash import die_with
from bff_project.processes.scheduling import give_way

# granian counts connections, idle ones too, against its limit; shedding is the gateway's own affair.
CONNECTIONS_PER_WORKER: Final = 4096
THREAD_IDLE_SECONDS: Final = 600
RESPAWN_SECONDS: Final = 0.1


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until SIGTERM, then lets requests in flight finish for `--finish-seconds` at most."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    for name in ("port", "workers", "threads", "finish-seconds"):
        parser.add_argument(f"--{name}", type=int, required=True)
    wanted = parser.parse_args(arguments)
    give_way()
    server = Server(
        "bff_project.wsgi:application",
        address=wanted.host,
        port=wanted.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=wanted.workers,
        blocking_threads=wanted.threads,
        blocking_threads_idle_timeout=THREAD_IDLE_SECONDS,
        backpressure=CONNECTIONS_PER_WORKER,
        respawn_failed_workers=True,
        respawn_interval=RESPAWN_SECONDS,
        workers_kill_timeout=wanted.finish_seconds,
        log_level=LogLevels.error,
    )
    server.serve(target_loader=partial(load_application, os.getpid()), wrap_loader=False)


def load_application(server_pid: int) -> Callable[..., Any]:
    """The WSGI application, loaded in the worker itself; until it is there, SIGTERM ends the worker at once."""
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, signal.SIG_DFL)
    die_with(server_pid)
    faulthandler.enable()
    from bff_project.processes.resting import RestingApplication
    from bff_project.wsgi import application
    from gateway_clients.crew import crew

    return RestingApplication(application, crew())


if __name__ == "__main__":
    main()
