"""Everything `make run` starts: Redis when there is none, sandbox, worker, gateway; all of it ends together."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from bff_project.processes import child_processes
from bff_project.processes.child_processes import Child, Program
from bff_project.processes.embedded_redis import RedisPlan, answers
from bff_project.processes.errors import StartError
from bff_project.processes.gateway import Say
from bff_project.processes.ports import LOOPBACK, PortWish, is_answering
from bff_project.processes.signals import StopRequest

TICK_SECONDS: Final = 0.2
POLL_SECONDS: Final = 0.05
START_SECONDS: Final = 60.0
END_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlan:
    """What is to be started. `sandbox_ports` are those of the services on this machine; none: no sandbox."""

    manage_py: Path
    run_dir: Path
    redis: RedisPlan
    sandbox_ports: tuple[PortWish, ...]
    gateway_port: int
    environment: Mapping[str, str] = field(default_factory=dict)


def run_demo(plan: DemoPlan, say: Say, *, greet: Callable[[], str]) -> None:
    """Starts all, says `greet()` when all is ready, and runs until asked to stop or until one of them dies.

    Raises StartError when something is not ready in time, ChildDiedError when a process ends by itself; nothing is
    left running either way.
    """
    running: list[Child] = []
    with StopRequest() as stop:
        try:
            if _is_started(plan, running, stop):
                say(greet())
                while not stop.wait(TICK_SECONDS):
                    for child in running:
                        child.refuse_death()
            say("Stopping.")
        finally:
            child_processes.end(running, grace_seconds=END_SECONDS)


def _is_started(plan: DemoPlan, running: list[Child], stop: StopRequest) -> bool:
    """Starts one after the other; False when somebody asked to stop meanwhile."""
    for program, is_up in _steps(plan):
        child = child_processes.start(program)
        running.append(child)
        give_up_at = time.monotonic() + START_SECONDS
        while not is_up():
            child.refuse_death()
            if time.monotonic() > give_up_at:
                raise StartError(f"{program.name} was not ready within {START_SECONDS:.0f} s; see {program.log}.")
            if stop.wait(POLL_SECONDS):
                return False
    return True


def _steps(plan: DemoPlan) -> Iterator[tuple[Program, Callable[[], bool]]]:
    """Returns the processes to start, in order, each with the check that it is up."""
    if plan.redis.program is not None:
        yield plan.redis.program, partial(answers, plan.redis.url)
    if plan.sandbox_ports:
        yield (
            _manage(plan, "The sandbox", "sandbox"),
            lambda: all(is_answering(wish.port) for wish in plan.sandbox_ports),
        )
    yield _manage(plan, "The worker", "run_worker"), lambda: True  # what it is to do waits in the database for it
    yield _manage(plan, "The gateway", "serve"), partial(_is_ready, plan.gateway_port)


def _manage(plan: DemoPlan, name: str, command: str) -> Program:
    return Program(
        name=name,
        command=[sys.executable, str(plan.manage_py), command],
        environment={"REDIS_URL": plan.redis.url, **plan.environment},
        log=plan.run_dir / f"{command}.log",
    )


def _is_ready(port: int) -> bool:
    connection = HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
