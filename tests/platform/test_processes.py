"""Ports, child processes and the embedded Redis, one by one."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bff_project.processes import child_processes, embedded_redis
from bff_project.processes.banner import dashboard_call
from bff_project.processes.child_processes import Program
from bff_project.processes.cpu_scheduling import give_way
from bff_project.processes.embedded_redis import plan_redis
from bff_project.processes.errors import ChildDiedError, StartError
from bff_project.processes.ports import (
    EVERY_IPV4_ADDRESS,
    PortWish,
    every_address,
    is_free,
    loopback_port,
    refuse_busy,
)
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
STARTER = """
import sys, time
from bff_project.processes import child_processes as children
child = children.start(children.Program(name="x", command=[sys.executable, "-c", "import time; time.sleep(60)"]))
print(child.process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://localhost:8001", 8001),
        ("http://127.0.0.1:8001/base", 8001),
        ("http://127.3.2.1:8001", 8001),
        ("http://[::1]:8001", 8001),
        ("http://localhost", 80),
        ("redis://:secret@localhost/0", 6379),
        ("http://claims.internal:8001", None),
        ("http://10.0.0.7:8001", None),
    ],
)
def test_only_addresses_of_this_machine_have_a_loopback_port(url: str, port: int | None) -> None:
    assert loopback_port(url) == port


def test_every_port_in_use_is_named_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        taken = first.getsockname()[1], second.getsockname()[1]
        with pytest.raises(StartError) as refusal:
            refuse_busy([PortWish("PORT", taken[0]), PortWish("CLAIMS_SERVICE_URL", taken[1])])
    assert f"Port {taken[0]} (PORT) is already in use" in str(refusal.value)
    assert f"Port {taken[1]} (CLAIMS_SERVICE_URL) is already in use" in str(refusal.value)


def test_a_port_wanted_twice_is_refused(free_port: Callable[[], int]) -> None:
    port = free_port()
    with pytest.raises(StartError, match=f"Port {port} is wanted by PORT and METRICS_PORT"):
        refuse_busy([PortWish("PORT", port), PortWish("METRICS_PORT", port)])


def test_free_ports_are_not_refused(free_port: Callable[[], int]) -> None:
    refuse_busy([PortWish("PORT", free_port()), PortWish("METRICS_PORT", free_port())])


def test_a_child_dies_with_a_starter_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        child_pid = int(starter.stdout.readline())
        assert Path(f"/proc/{child_pid}").exists()
        starter.kill()
    wait_until(lambda: not Path(f"/proc/{child_pid}").exists())


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "stubborn.log"
    child = child_processes.start(Program(name="Stubborn", command=[sys.executable, "-c", STUBBORN], log=log))
    wait_until(lambda: "up" in log.read_text())
    child_processes.end([child], grace_seconds=0.2)
    assert child.process.returncode == -signal.SIGKILL


def test_a_child_that_died_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('no such table'); sys.exit(3)"]
    child = child_processes.start(Program(name="The sandbox", command=command, log=tmp_path / "sandbox.log"))
    child.process.wait(10)
    with pytest.raises(ChildDiedError, match=r"(?s)The sandbox ended by itself \(exit code 3\).*no such table"):
        child.refuse_death()


def test_a_redis_that_answers_is_used(redis_server: RedisServer, tmp_path: Path) -> None:
    plan = plan_redis(redis_server.url, tmp_path)
    assert (plan.url, plan.program) == (redis_server.url, None)


def test_a_redis_of_our_own_keeps_the_free_address_and_its_password(
    free_port: Callable[[], int], tmp_path: Path
) -> None:
    port = free_port()
    plan = plan_redis(f"redis://:open-sesame@localhost:{port}/0", tmp_path)
    assert plan.program is not None
    child = child_processes.start(plan.program)
    try:
        wait_until(lambda: embedded_redis.answers(plan.url))
        assert not embedded_redis.answers(f"redis://localhost:{port}/0")
    finally:
        child.kill_group()


def test_a_redis_of_our_own_goes_elsewhere_when_somebody_else_is_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        plan = plan_redis(f"redis://localhost:{port}/0", tmp_path)
    assert plan.program is not None
    assert loopback_port(plan.url) not in {None, port}


@pytest.mark.parametrize("url", ["rediss://localhost:{port}/0", "unix:///nowhere/redis.sock"])
def test_an_embedded_redis_does_not_stand_in_for_one_that_it_cannot_be(
    free_port: Callable[[], int], tmp_path: Path, url: str
) -> None:
    plan = plan_redis(url.format(port=free_port()), tmp_path)

    assert (plan.url.startswith("redis://127.0.0.1:"), plan.program is not None) == (True, True)


def test_no_redis_program_is_told_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, free_port: Callable[[], int], tmp_path: Path
) -> None:
    monkeypatch.setattr(embedded_redis, "redis_binary", lambda: None)
    port = free_port()
    with pytest.raises(StartError, match="apt-get install redis-server"):
        plan_redis(f"redis://localhost:{port}/0", tmp_path)
    assert is_free(port)


@dataclass(frozen=True)
class Person:
    email: str = "siti@example.com"
    password: str = "open-sesame"
    member_id: str | None = "m-1"
    note: str = "a member"


def test_the_first_call_signs_in_and_shows_the_token_it_got(tmp_path: Path) -> None:
    curl = tmp_path / "curl"
    curl.write_text(
        "#!/bin/sh\n"
        """case "$*" in *auth/login*) echo '{"access_token":"abc.def","user":{"name":"S"}}' ;; *) echo "$@" ;; esac\n"""
    )
    curl.chmod(0o755)
    result = subprocess.run(
        ["sh", "-c", dashboard_call("http://localhost:4000", Person())],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "-s http://localhost:4000/api/v1/dashboard/m-1 -H Authorization: Bearer abc.def\n"


@pytest.mark.parametrize("policy", [os.SCHED_IDLE, os.SCHED_FIFO])
def test_how_a_process_is_scheduled_is_left_to_who_has_chosen_it(monkeypatch: pytest.MonkeyPatch, policy: int) -> None:
    told: list[int] = []
    monkeypatch.setattr(os, "sched_getscheduler", lambda _: policy)
    monkeypatch.setattr(os, "sched_setscheduler", lambda _, wanted, __: told.append(wanted))

    give_way()

    assert told == []


def test_a_machine_that_does_not_allow_it_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []

    def refuse(_: int, wanted: int, __: object) -> None:
        told.append(wanted)
        raise PermissionError

    monkeypatch.setattr(os, "sched_getscheduler", lambda _: os.SCHED_OTHER)
    monkeypatch.setattr(os, "sched_setscheduler", refuse)

    give_way()

    assert told == [os.SCHED_BATCH]


def test_without_sockets_for_both_families_every_address_is_one_of_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError("Address family not supported by protocol")

    monkeypatch.setattr(socket, "socket", refused)
    assert every_address() == EVERY_IPV4_ADDRESS
