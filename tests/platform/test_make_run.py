"""`make run` on a clean clone with nothing installed: everything comes up, and nothing stays."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bff_project.processes.ports import free_port
from gateway_clients.conf import SERVICES
from tests.support.processes import Started, clean_environment
from tests.support.programs import program
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
SECOND_START_SECONDS = 20.0
PORT_SETTINGS = ("PORT", "METRICS_PORT", *(f"{service.upper()}_SERVICE_URL" for service in SERVICES))
Run = Callable[..., Started]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clone = tmp_path_factory.mktemp("clean") / "clone"
    subprocess.run([program("git"), "clone", "--quiet", str(ROOT), str(clone)], check=True)
    subprocess.run([program("make"), "install"], cwd=clone, env=clean_environment(), check=True)
    return clone


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {name: free_port() for name in PORT_SETTINGS}


@pytest.fixture
def run(checkout: Path, ports: dict[str, int], tmp_path: Path) -> Iterator[Run]:
    started: list[Started] = []

    def start(*, is_awaited: bool = True) -> Started:
        settings = {
            name: f"http://localhost:{port}" if name.endswith("URL") else str(port) for name, port in ports.items()
        }
        demo = Started(
            [program("make"), "run"],
            cwd=checkout,
            log=tmp_path / f"{len(started)}.log",
            environment={**clean_environment(), **settings, "REDIS_URL": f"redis://localhost:{free_port()}/0"},
        )
        started.append(demo)
        if is_awaited:
            wait_until(lambda: "A first call" in demo.output or demo.process.poll() is not None, SECOND_START_SECONDS)
            assert demo.process.poll() is None, demo.output
        return demo

    yield start
    for demo in started:
        demo.remove()


def supervisor(demo: Started) -> int:
    """The process that minds the others: what `make` has started."""
    children = Path(f"/proc/{demo.process.pid}/task/{demo.process.pid}/children").read_text().split()
    return int(children[0])


def test_the_printed_call_answers_a_whole_dashboard(run: Run) -> None:
    demo = run()
    call = next(line for line in demo.output.splitlines() if line.strip().startswith("curl "))
    result = subprocess.run(["sh", "-c", call], capture_output=True, text=True, check=True)

    dashboard = json.loads(result.stdout)
    assert dashboard["meta"]["complete"] is True
    assert set(dashboard) == {
        "member",
        "recent_claims",
        "benefits_summary",
        "coverage_status",
        "notifications",
        "meta",
    }


def test_what_is_printed_names_every_kind_of_account(run: Run) -> None:
    output = run().output
    accounts = output.partition("Demo accounts:")[2].partition("A first call")[0].strip().splitlines()
    assert len(accounts) >= 5
    assert all("@" in line for line in accounts)


@pytest.mark.parametrize(
    ("to_whom", "signum"),
    [
        ("terminal", signal.SIGINT),
        ("terminal", signal.SIGHUP),
        ("make", signal.SIGTERM),
        ("make", signal.SIGKILL),
        ("supervisor", signal.SIGINT),
        ("supervisor", signal.SIGTERM),
        ("supervisor", signal.SIGHUP),
        ("supervisor", signal.SIGKILL),
    ],
)
def test_no_process_is_left(run: Run, to_whom: str, signum: int) -> None:
    demo = run()
    assert len(demo.living()) >= 6  # make, the supervisor, Redis, the sandbox, the gateway and its server, workers
    if to_whom == "terminal":
        os.killpg(demo.process.pid, signum)
    else:
        os.kill(supervisor(demo) if to_whom == "supervisor" else demo.process.pid, signum)
    wait_until(lambda: demo.living() == [], seconds=20)


def test_all_ends_with_a_clear_message_when_one_part_dies(run: Run) -> None:
    demo = run()
    sandbox = next(pid for pid in demo.living() if b"sandbox" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"))
    os.kill(sandbox, signal.SIGKILL)
    assert demo.process.wait(20) != 0
    assert "The sandbox ended by itself (signal SIGKILL)" in demo.output
    assert demo.living() == []


@pytest.mark.parametrize("setting", ["PORT", "METRICS_PORT", "CLAIMS_SERVICE_URL", "DOCUMENT_SERVICE_URL"])
def test_a_port_in_use_is_named_and_nothing_is_started(run: Run, ports: dict[str, int], setting: str) -> None:
    with socket.create_server(("127.0.0.1", ports[setting])):
        demo = run(is_awaited=False)
        assert demo.process.wait(20) != 0
    assert f"Port {ports[setting]} ({setting}) is already in use" in demo.output
    assert "Nothing was started." in demo.output
    assert demo.living() == []
