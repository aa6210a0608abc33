"""The worker: sweeps the outbox, does the chores, and, where there is a broker, has Celery take nudges beside it."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections, connections

from bff_project.processes import children
from bff_project.processes.children import Child, Program
from bff_project.processes.gateway import Say
from bff_project.processes.stopping import StopRequest

#: How often the database is asked whether something is due.
TICK_SECONDS: Final = 0.5
#: How long a database that is down is left alone.
RESPITE_SECONDS: Final = 1.0
CHORES_SECONDS: Final = 60.0
RESTART_SECONDS: Final = 5.0
FINISH_SECONDS: Final = 15.0
THREADS: Final = 4
READY: Final = "The worker is ready."
log = structlog.get_logger(__name__)
M = TypeVar("M")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConf:
    """What a worker does: `sweep` deals with one batch, given how to run all of it, and says how many there were."""

    sweep: Callable[..., int]
    chores: Sequence[Callable[[], None]]
    has_broker: bool


def run_worker(conf: WorkerConf, say: Say) -> None:
    """Works until asked to stop; what has begun is finished first."""
    consumer = _Consumer() if conf.has_broker else None
    chores_at = 0.0
    with StopRequest() as stop, ThreadPoolExecutor(THREADS, thread_name_prefix="worker") as pool:
        say(READY)
        try:
            is_idle = True
            while not stop.wait(TICK_SECONDS if is_idle else 0):
                if consumer is not None:
                    consumer.keep_running()
                try:
                    if time.monotonic() >= chores_at:
                        chores_at = time.monotonic() + CHORES_SECONDS
                        for chore in conf.chores:
                            chore()
                    is_idle = conf.sweep(run_all=_runner(pool)) == 0
                except (OperationalError, InterfaceError) as error:
                    log.warning("worker.database_down", reason=type(error).__name__)
                    connections.close_all()
                    is_idle = True
                    stop.wait(RESPITE_SECONDS)
                close_old_connections()
            say("The worker stops.")
        finally:
            if consumer is not None:
                consumer.stop()


def _runner(pool: ThreadPoolExecutor) -> Callable[[Callable[[M], None], list[M]], Iterable[None]]:
    """Runs a batch side by side; each thread lets go of a database connection that broke."""

    def run_all(work: Callable[[M], None], messages: list[M]) -> Iterable[None]:
        def work_and_let_go(message: M) -> None:
            try:
                work(message)
            finally:
                close_old_connections()

        return pool.map(work_and_let_go, messages)

    return run_all


class _Consumer:
    """Celery's own worker as a child, started again when it dies; meanwhile the sweep finds everything a bit later."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._start_at = 0.0

    def keep_running(self) -> None:
        if (self._child is not None and self._child.is_running) or time.monotonic() < self._start_at:
            return
        if self._child is not None:
            log.warning("worker.celery_ended")
        self._start_at = time.monotonic() + RESTART_SECONDS
        self._child = children.start(celery_program())

    def stop(self) -> None:
        if self._child is not None:
            children.end([self._child], grace_seconds=FINISH_SECONDS)


def celery_program() -> Program:
    """`celery worker` on the project's app, with threads, as its jobs mostly wait."""
    options = ("--pool=threads", f"--concurrency={THREADS}", "--loglevel=WARNING")
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    return Program(
        name="Celery",
        command=[sys.executable, "-m", "celery", "--app=bff_project.celery", "worker", *options, *quiet],
        environment={"DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "bff_project.settings")},
    )
