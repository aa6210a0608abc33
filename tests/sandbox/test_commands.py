"""The commands as they are typed: real processes, real ports."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from django.core.management import load_command_class

from gateway_clients.conf import SERVICES
from tests.support.waiting import wait_until

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
WAIT_SECONDS = 30
Start = Callable[..., "subprocess.Popen[str]"]


def environment(**settings: str) -> dict[str, str]:
    """The environment of a child, in which neither a database nor Redis can be reached."""
    unreachable = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing", "REDIS_URL": "redis://127.0.0.1:1/0"}
    return {**os.environ, "ENVIRONMENT": "development", **unreachable, **settings}


def run(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(MANAGE), *arguments],
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )


def refusal_of(command: str, *arguments: str) -> int:
    """The exit code of a command that does nothing; it runs in this process, which spares its start."""
    with pytest.raises(SystemExit) as ended:
        load_command_class("sandbox", command).run_from_argv(["manage.py", command, *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts `manage.py sandbox`; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start_one(*arguments: str, **settings: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, str(MANAGE), "sandbox", *arguments],
            env=environment(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()
        process.communicate()


def free_ports(count: int) -> list[int]:
    """Ports that nothing listened on a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def free_row() -> int:
    """A port after which as many are free as there are services."""
    for _ in range(100):
        base = random.randrange(20_000, 30_000)
        try:
            with ExitStack() as stack:
                for number in range(1, len(SERVICES) + 1):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", base + number))
        except OSError:
            continue
        return base
    raise AssertionError("no such ports in a row")


def ready_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def urls(**changes: str) -> dict[str, str]:
    """The settings of every service, on free ports of localhost."""
    ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    return {f"{name.upper()}_SERVICE_URL": f"http://localhost:{port}" for name, port in ports.items()} | changes


def test_it_says_when_it_is_ready_answers_on_each_port_and_ends_at_a_signal(start: Start) -> None:
    base = free_row()
    process = start("--base-port", str(base), "--latency", "0")

    line = ready_line(process)

    assert line.startswith(
        f"Sandbox ready, {len(SERVICES)} of {len(SERVICES)} services: claims {base + 1}, member {base + 2}, "
    )
    for port in SERVICES.values():
        assert requests.get(f"http://127.0.0.1:{base + port - 8000}/health", timeout=5).status_code == 200
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_signal_ends_it_while_a_call_is_under_way(start: Start) -> None:
    settings = urls()
    process = start("--latency", "0", **settings)
    ready_line(process)
    url = settings["CLAIMS_SERVICE_URL"]
    requests.put(f"{url}/_sandbox/fault", json={"kind": "hang"}, timeout=5)

    with socket.create_connection(("localhost", int(url.rpartition(":")[2])), timeout=WAIT_SECONDS) as client:
        client.sendall(b"GET /claims HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: requests.get(f"{url}/_sandbox/calls", timeout=5).json()["total"] == 1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=WAIT_SECONDS)
        assert (process.returncode, err) == (0, "")
        assert client.recv(1) == b""


def test_it_starts_the_services_whose_setting_is_on_this_machine_only(start: Start) -> None:
    settings = urls(PAYMENT_SERVICE_URL="https://payments.example.com", MEMBER_SERVICE_URL="http://192.0.2.1:8002")

    line = ready_line(start(**settings))

    port = settings["CLAIMS_SERVICE_URL"].rpartition(":")[2]
    assert line.startswith(f"Sandbox ready, {len(SERVICES) - 2} of {len(SERVICES)} services: claims {port}, provider ")
    assert "payment" not in line
    assert "member" not in line


def test_with_nothing_on_this_machine_it_starts_nothing() -> None:
    ended = run("sandbox", **{f"{name.upper()}_SERVICE_URL": f"http://{name}.example.com" for name in SERVICES})

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "No *_SERVICE_URL is on this machine: there is nothing to start.\n"


def test_a_port_in_use_is_named_with_its_setting_and_nothing_is_started() -> None:
    settings = urls()
    port = int(settings["PAYMENT_SERVICE_URL"].rpartition(":")[2])

    with socket.create_server(("127.0.0.1", port)):
        ended = run("sandbox", **settings)

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert f"port {port} for the payment service (PAYMENT_SERVICE_URL): Address already in use" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.long
def test_the_latency_makes_it_slow_and_the_seed_and_day_make_the_data(start: Start) -> None:
    first, second = urls(), urls()
    for settings in (first, second):
        ready_line(start("--latency", "150", "--seed", "5", "--today", "2026-01-31", **settings))

    answers = [requests.get(f"{one['CLAIMS_SERVICE_URL']}/claims?limit=3", timeout=5) for one in (first, second)]

    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["items"][0]["service_date"] == "2026-01-31"
    assert min(answer.elapsed.total_seconds() for answer in answers) >= 0.15


def test_an_option_that_makes_no_sense_is_refused_as_it_is_typed() -> None:
    ended = run("sandbox", "--latency=quick")

    assert ended.returncode == 2
    assert "milliseconds, such as 20-120" in ended.stderr


@pytest.mark.parametrize("latency", ["quick", "-1", "120-20", "inf", ""])
def test_a_latency_that_makes_no_sense_is_refused(latency: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal_of("sandbox", f"--latency={latency}") == 2
    assert "milliseconds, such as 20-120" in capsys.readouterr().err


@pytest.mark.long
def test_faults_come_and_go_from_the_command_line(start: Start) -> None:
    settings = urls()
    ready_line(start("--latency", "0", **settings))
    url = settings["BENEFIT_SERVICE_URL"]
    benefits = f"{url}/members/m-1/benefits"

    down = run("sandbox_fault", "benefit", "--down", **settings)
    assert (down.returncode, down.stdout) == (0, "benefit: down\n")
    with pytest.raises(requests.ConnectionError):
        requests.get(benefits, timeout=5)
    assert requests.get(f"{settings['POLICY_SERVICE_URL']}/health", timeout=5).status_code == 200

    busy = run("sandbox_fault", "benefit", "--status", "503", "--retry-after", "5", "--delay", "0.1", **settings)
    assert busy.stdout == "benefit: status delay_seconds=0.1 status=503 retry_after=5\n"
    answer = requests.get(benefits, timeout=5)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert run("sandbox_fault", "benefit", **settings).stdout == busy.stdout

    cleared = run("sandbox_fault", "all", "--clear", **settings)
    assert cleared.stdout == "".join(f"{service}: no fault\n" for service in SERVICES)
    assert requests.get(benefits, timeout=5).status_code == 200


def test_without_a_sandbox_the_fault_command_says_so() -> None:
    settings = urls()

    ended = run("sandbox_fault", "claims", "--down", **settings)

    assert ended.returncode == 1
    assert f"No sandbox answers at {settings['CLAIMS_SERVICE_URL']} (CLAIMS_SERVICE_URL)" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("claims", "--times", "3"), "Say what fault it is"),
        (("claims", "--down", "--hang"), "not allowed with argument"),
        (("claims", "--kind", "asleep"), "invalid choice"),
        (("nothing", "--down"), "invalid choice"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_by_the_command(
    arguments: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal_of("sandbox_fault", *arguments) in (1, 2)
    assert complaint in capsys.readouterr().err


def test_a_service_elsewhere_cannot_be_broken() -> None:
    ended = run("sandbox_fault", "claims", "--down", **urls(CLAIMS_SERVICE_URL="http://claims.example.com"))

    assert ended.returncode == 1
    assert "CLAIMS_SERVICE_URL is not on this machine" in ended.stderr


def test_what_is_no_sandbox_is_told_from_one() -> None:
    port = free_ports(1)[0]
    other = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        ready_line(other)
        ended = run("sandbox_fault", "claims", **urls(CLAIMS_SERVICE_URL=f"http://127.0.0.1:{port}"))
    finally:
        other.kill()
        other.communicate()

    assert ended.returncode == 1
    assert f"What answers at http://127.0.0.1:{port} (CLAIMS_SERVICE_URL) is not the sandbox." in ended.stderr
