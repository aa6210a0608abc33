"""How `manage.py serve` ends, and what it does when its processes die: with real processes and real signals."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from bff_project.processes.ports import free_port
from tests.support.calls import Running
from tests.support.programs import NOT_RUN, program
from tests.support.served import Served
from tests.support.tcp import established
from tests.support.waiting import wait_until

#: A gateway whose folder cannot be made.
WITHOUT_A_FOLDER: Final = """
from pathlib import Path
from bff_project.processes.gateway import GatewayConf, serve
serve(
    GatewayConf(host="127.0.0.1", port={port}, metrics_port=None, workers=1, threads=8, drain_seconds=3,
                finish_seconds=5, run_dir=Path("/proc/none"), metrics_dir=Path("{metrics_dir}")),
    print,
)
"""
#: Gets orphans as the first process of a container does (prctl(2), PR_SET_CHILD_SUBREAPER).
AS_SUBREAPER: Final = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1)
os.execv(sys.executable, [sys.executable, "manage.py", "serve"])
"""
WAITING: Final = "import time; print('waiting', flush=True); time.sleep(60)"


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_who_is_asked_a_second_time_waits_no_longer_for_requests_in_flight(serve: Callable[..., Served]) -> None:
    served = serve(WORKERS="1")
    in_flight = Running(lambda: served.get("/slow?seconds=60"))
    wait_until(lambda: established(served.port) > 0)
    served.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not served.is_ready())

    assert served.stop(signal.SIGTERM, seconds=15) == 0
    assert served.living() == []
    assert isinstance(in_flight.wait().error, OSError | http.client.HTTPException)


def test_it_tells_that_it_drains_also_where_its_folder_cannot_be_written(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    port = free_port()
    script = WITHOUT_A_FOLDER.format(port=port, metrics_dir=tmp_path / "metrics")
    served = serve(command=[sys.executable, "-c", script], is_awaited=False)
    served.port = port
    wait_until(served.is_ready, seconds=20)

    served.process.send_signal(signal.SIGTERM)

    wait_until(lambda: served.get("/health/ready")[0] == 503, seconds=1.5)
    assert served.get("/pid")[0] == 200


def test_workers_that_keep_dying_leave_no_gateway_that_takes_nothing(serve: Callable[..., Served]) -> None:
    served = serve(WORKERS="2")
    in_flight = [Running(lambda: served.get("/slow?seconds=60")) for _ in range(12)]
    wait_until(lambda: established(served.port) >= len(in_flight))
    (server,) = children(served.process.pid)
    before = children(server)
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: len(set(children(server)) - set(before)) == 1)
    (born,) = set(children(server)) - set(before)
    os.kill(born, signal.SIGKILL)

    wait_until(lambda: "starting it again" in served.output, seconds=15)
    wait_until(served.is_ready, seconds=20)
    for each in in_flight:
        each.wait()


def test_the_first_process_of_a_container_leaves_no_zombies(serve: Callable[..., Served]) -> None:
    served = serve(command=[sys.executable, "-c", AS_SUBREAPER])
    (server,) = children(served.process.pid)
    workers = children(server)
    os.kill(server, signal.SIGKILL)

    wait_until(lambda: "starting it again" in served.output)
    wait_until(served.is_ready, seconds=20)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), seconds=5)
    assert served.stop() == 0


def test_the_first_process_of_a_container_stops_when_asked_at_any_time(serve: Callable[..., Served]) -> None:
    alone = [program("unshare"), "--pid", "--fork", "--kill-child"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"{NOT_RUN} that may make a namespace of processes (root's unshare)")
    served = serve(command=[*alone, sys.executable, "manage.py", "shell", "-c", WAITING], is_awaited=False)
    wait_until(lambda: "waiting" in served.output, seconds=20)

    os.kill(children(served.process.pid)[0], signal.SIGTERM)

    assert served.process.wait(10) == 128 + signal.SIGTERM
