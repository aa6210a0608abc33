"""Signals that come at the worst moment: in the middle of a wait, and before a worker has handlers of its own."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bff_project.processes.signals import Wakeups
from tests.support.gateway import ROOT
from tests.support.processes import Started, clean_environment
from tests.support.waiting import wait_until

#: A signal at each call, and at each return from one, that the main thread makes while it waits.
STORM = """
import signal, sys
from bff_project.processes.signals import StopRequest
with StopRequest() as stop:
    sys.setprofile(lambda *_: signal.raise_signal(signal.SIGTERM))
    was_asked = stop.wait(0.01)
    sys.setprofile(None)
print(was_asked, len(stop.signals) > 4)
"""
SERVER_STORM = """
import signal, sys
from granian.server import Server
wait_for_events = Server._serve_loop
def serve_loop(*arguments):
    print("serving", flush=True)
    sys.setprofile(lambda *_: signal.raise_signal(signal.SIGTERM))
    wait_for_events(*arguments)
    sys.setprofile(None)
Server._serve_loop = serve_loop
"""
#: A worker that is long about what it does before it loads the application.
SLOW_BIRTH = """
import time
from granian.server import mp
def load_env(_):
    print("born", flush=True)
    time.sleep(60)
mp.load_env = load_env
"""
SERVE = """
from bff_project.processes.http_server import main
main(["--host", "127.0.0.1", "--port", "0", "--workers", "1", "--threads", "1", "--finish-seconds", "60"])
"""


@pytest.fixture
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], Started]:
    """Runs a script with the settings of the little site."""

    def started(script: str) -> Started:
        made = Started(
            [sys.executable, "-c", script],
            cwd=ROOT,
            log=tmp_path / "log",
            environment={
                **clean_environment(),
                "DJANGO_SETTINGS_MODULE": "tests.support.served_settings",
                "ENVIRONMENT": "development",
            },
        )
        request.addfinalizer(made.remove)
        return made

    return started


def test_a_signal_in_the_middle_of_a_wait_ends_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STORM], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )

    assert (done.stdout, done.stderr) == ("True True\n", "")


def test_a_server_that_is_asked_to_stop_in_the_middle_of_a_wait_stops(start: Callable[[str], Started]) -> None:
    server = start(SERVER_STORM + SERVE)
    wait_until(lambda: "serving" in server.output, seconds=20)

    assert server.process.wait(20) == 0


def test_a_worker_that_is_asked_to_stop_before_it_has_handlers_stops_at_once(start: Callable[[str], Started]) -> None:
    server = start(SLOW_BIRTH + SERVE)
    wait_until(lambda: "born" in server.output, seconds=20)

    assert server.stop(signal.SIGTERM, seconds=10) == 0
    assert server.living() == []


def test_what_was_sent_before_a_wait_ends_it_and_is_not_cleared() -> None:
    wakeups = Wakeups()
    wakeups.set()
    wakeups.clear()

    wakeups.wait(timeout=None)
    wakeups.wait(timeout=0.01)
