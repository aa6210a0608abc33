"""The worker: sweeps the outbox, does the chores, and, where there is a broker, has Celery take nudges beside it."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections, connections

from bff_project.processes import child_processes
from bff_project.processes.child_processes import Child, Program
from bff_project.processes.gateway import Say
from bff_project.processes.signals import StopRequest

#: How often the database is asked whether something is due.
TICK_SECONDS: Final = 0.5
#: How often it is asked for drops, which wait for no other work: until they are done, old data is shown.
DROPS_SECONDS: Final = 0.2
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
    """What a worker does: `sweep` deals with a batch, given its size and how to run it, and says how many it had.

    `do_drops` does all drops that other processes have left. `alive_file` is touched at every turn, for who looks
    whether the worker hangs.
    """

    sweep: Callable[..., int]
    do_drops: Callable[[], int]
    chores: Sequence[Callable[[], None]]
    has_broker: bool
    alive_file: Path | None = None


def run_worker(conf: WorkerConf, say: Say) -> None:
    """Works until asked to stop; what has begun is finished first."""
    consumer = _Consumer() if conf.has_broker else None
    chores_at = 0.0
    with (
        StopRequest() as stop,
        ThreadPoolExecutor(THREADS, thread_name_prefix="worker") as pool,
        _doing_drops(conf.do_drops),
    ):
        say(READY)
        try:
            is_idle = True
            while not stop.wait(TICK_SECONDS if is_idle else 0):
                _tell_alive(conf.alive_file)
                if consumer is not None:
                    consumer.keep_running()
                try:
                    if time.monotonic() >= chores_at:
                        chores_at = time.monotonic() + CHORES_SECONDS
                        _do_chores(conf, stop)
                    is_idle = conf.sweep(run_all=_runner(pool), limit=THREADS) == 0
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


def _tell_alive(file: Path | None) -> None:
    """Touches the file, if there is to be one; on a disk that takes nothing it stays as it is."""
    if file is None:
        return
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def _do_chores(conf: WorkerConf, stop: StopRequest) -> None:
    """Does each chore, whatever becomes of those before it, until asked to stop."""
    for chore in conf.chores:
        if stop.signals:
            return
        _tell_alive(conf.alive_file)
        try:
            chore()
        except (OperationalError, InterfaceError) as error:
            log.warning("worker.database_down", reason=type(error).__name__)
            connections.close_all()
        except Exception:
            log.exception("worker.chore_failed", chore=chore.__name__)


@contextmanager
def _doing_drops(do_drops: Callable[[], int]) -> Iterator[None]:
    """Does drops on a thread of their own for as long as the `with` lasts."""
    is_over = threading.Event()
    thread = threading.Thread(target=_do_drops_until, args=(is_over, do_drops), name="drops", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(FINISH_SECONDS)


def _do_drops_until(is_over: threading.Event, do_drops: Callable[[], int]) -> None:
    while not is_over.wait(DROPS_SECONDS):
        try:
            do_drops()
        except (OperationalError, InterfaceError):
            # The sweep says so.
            connections.close_all()
            is_over.wait(RESPITE_SECONDS)
        except Exception:
            log.exception("worker.drops_failed")
        close_old_connections()


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
        self._child = child_processes.start(celery_program())

    def stop(self) -> None:
        if self._child is not None:
            child_processes.end([self._child], grace_seconds=FINISH_SECONDS)


def celery_program() -> Program:
    """`celery worker` on the project's app, with threads, as its jobs mostly wait."""
    options = ("--pool=threads", f"--concurrency={THREADS}", "--loglevel=WARNING")
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    return Program(
        name="Celery",
        command=[sys.executable, "-m", "celery", "--app=bff_project.celery", "worker", *options, *quiet],
        environment={"DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "bff_project.settings")},
    )
