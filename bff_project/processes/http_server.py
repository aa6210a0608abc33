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
from threading import Event
from typing import Any, Final, cast

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

from bff_project.processes.bodies import BodyPlaces
from bff_project.processes.connections import Connections
from bff_project.processes.cpu_scheduling import give_way
from bff_project.processes.doorkeeper import Doorkeeper, most_connections
from bff_project.processes.parent_death import die_with
from bff_project.processes.signals import Wakeups, exits_by, forked_children_end_by

#: What the server sends its workers to end them, and what a terminal does.
ENDING: Final = (signal.SIGTERM, signal.SIGINT)
#: Milliseconds for a request's head, from its first byte or from when the connection was opened or last answered.
HEAD_MILLISECONDS: Final = 10_000
#: Bytes of a request's head that are read; a larger one is answered 431 by the status alone. The gateway itself refuses
#: smaller ones already, with a problem (`request_heads`).
MOST_HEAD_BYTES: Final = 24_576
#: Of so many threads one may wait for a request's body.
THREADS_PER_BODY: Final = 8
THREAD_IDLE_SECONDS: Final = 600
RESPAWN_SECONDS: Final = 0.1
#: Seconds for requests in flight when the server gives up because a worker keeps dying; meanwhile it takes none.
GIVING_UP_SECONDS: Final = 5


class MindedServer(MPServer):
    """A server that somebody starts again when it ends: one that gives up does not wait for documents in flight."""

    def shutdown(self, exit_code: int = 0) -> None:
        """Ends the workers; it was not asked to where one of them has died twice within moments."""
        if not self.interrupt_signal:
            self.workers_kill_timeout = min(GIVING_UP_SECONDS, self.workers_kill_timeout or GIVING_UP_SECONDS)
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]  # granian has no types here


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until SIGTERM, then lets requests in flight finish for `--finish-seconds` at most."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    for name in ("port", "workers", "threads", "finish-seconds"):
        parser.add_argument(f"--{name}", type=int, required=True)
    wanted = parser.parse_args(arguments)
    give_way()
    connections = most_connections()
    server = MindedServer(
        "bff_project.application:application",
        address=wanted.host,
        port=wanted.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=wanted.workers,
        blocking_threads=wanted.threads,
        blocking_threads_idle_timeout=THREAD_IDLE_SECONDS,
        # With so many connections granian takes no more; the doorkeeper makes room before.
        backpressure=2 * connections,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_MILLISECONDS, max_buffer_size=MOST_HEAD_BYTES),
        respawn_failed_workers=True,
        respawn_interval=RESPAWN_SECONDS,
        workers_kill_timeout=wanted.finish_seconds,
        log_level=LogLevels.error,
    )
    # The handler of SIGTERM sets it in the main thread, which waits for it.
    server.main_loop_interrupt = cast(Event, Wakeups())
    forked_children_end_by(ENDING)
    loader = partial(
        load_application,
        os.getpid(),
        port=wanted.port,
        threads=wanted.threads,
        connections=connections,
        longest_seconds=wanted.finish_seconds,
    )
    server.serve(target_loader=loader, wrap_loader=False)


def load_application(
    server_pid: int, *, port: int, threads: int, connections: int, longest_seconds: float
) -> Callable[..., Any]:
    """The WSGI application, loaded in the worker itself."""
    die_with(server_pid)
    faulthandler.enable()
    # What was loaded holds a lease before the server has handlers of its own.
    with exits_by(ENDING):
        from bff_project.application import application
        from bff_project.processes.wsgi_application import ServedApplication

        accepted = Connections(port)
        crowd = threads * 3 // 4
        places = BodyPlaces(max(1, threads // THREADS_PER_BODY), crowd=crowd, hang_up=accepted.hang_up_on_reader)
        Doorkeeper(accepted, places, most=connections, longest_seconds=longest_seconds).start()
        return ServedApplication(application, places)


if __name__ == "__main__":
    main()
