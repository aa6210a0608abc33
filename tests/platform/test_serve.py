"""`manage.py serve` with real processes and real signals."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bff_project.processes.ports import EVERY_ADDRESS, every_address
from tests.support.calls import Running, at_once
from tests.support.served import Served
from tests.support.tcp import established
from tests.support.waiting import wait_until


def test_sigterm_takes_it_out_of_rotation_at_once_and_ends_it_when_all_requests_are_answered(
    serve: Callable[..., Served],
) -> None:
    served = serve(DRAIN_SECONDS="1")
    answers: list[tuple[int, str]] = []
    in_flight = threading.Thread(target=lambda: answers.append(served.get("/slow?seconds=2")))
    in_flight.start()
    wait_until(lambda: established(served.port) > 0)
    began = time.monotonic()
    served.process.send_signal(signal.SIGTERM)

    wait_until(lambda: served.get("/health/ready")[0] == 503, seconds=0.8)
    assert served.get("/pid")[0] == 200
    assert served.process.wait(20) == 0
    assert time.monotonic() - began >= 1.0
    in_flight.join()
    assert answers == [(200, "finished")]
    assert served.living() == []


@pytest.mark.alone
def test_resting_threads_are_called_for_those_that_wait_and_end_with_the_server(
    serve: Callable[..., Served],
) -> None:
    served = serve(WORKERS="1", THREADS="12")
    for _ in range(3):
        at_once(12, lambda: [served.get("/pid") for _ in range(20)])

    waiting = [Running(lambda: served.get("/slow?seconds=1.5")) for _ in range(8)]
    wait_until(lambda: established(served.port) >= 8)
    began = time.monotonic()
    assert served.get("/pid")[0] == 200
    took_seconds = time.monotonic() - began
    assert [each.wait().result for each in waiting] == [(200, "finished")] * 8

    assert took_seconds < 0.5
    assert time.monotonic() - began < 3.0
    assert served.stop() == 0
    assert served.living() == []


def test_ctrl_c_does_not_wait_for_the_drain(serve: Callable[..., Served]) -> None:
    served = serve(DRAIN_SECONDS="30")
    assert served.stop(signal.SIGINT, seconds=10) == 0
    assert served.living() == []


def await_end(pid: int) -> None:
    """Waits until all its threads have ended: while one is left its sockets take connections that nobody answers."""
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_a_killed_worker_is_replaced(serve: Callable[..., Served]) -> None:
    served = serve()
    worker = int(served.get("/pid")[1])
    os.kill(worker, signal.SIGKILL)

    await_end(worker)
    wait_until(served.is_ready, seconds=10)
    assert served.process.poll() is None
    assert int(served.get("/pid")[1]) != worker


def test_a_worker_that_crashes_says_where_and_is_replaced(serve: Callable[..., Served]) -> None:
    served = serve(WORKERS="1")
    worker = int(served.get("/pid")[1])
    os.kill(worker, signal.SIGSEGV)

    await_end(worker)
    wait_until(served.is_ready, seconds=10)
    assert "Segmentation fault" in served.output
    assert "Thread 0x" in served.output


def test_all_threads_of_the_workers_wait_for_their_turn(serve: Callable[..., Served]) -> None:
    served = serve(WORKERS="2", THREADS="4")
    at_once(8, lambda: served.get("/pid"))
    workers = {int(served.get("/pid")[1]) for _ in range(20)}

    threads = [int(thread.name) for pid in workers for thread in Path(f"/proc/{pid}/task").iterdir()]
    assert len(threads) > len(workers)
    own = os.sched_getscheduler(0)
    assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_BATCH if own == os.SCHED_OTHER else own}
    assert os.sched_getscheduler(served.process.pid) == own


def test_a_killed_server_is_started_again(serve: Callable[..., Served]) -> None:
    served = serve()
    server = int(Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text().split()[0])
    os.kill(server, signal.SIGKILL)

    wait_until(lambda: "starting it again" in served.output)
    wait_until(served.is_ready, seconds=20)
    assert served.stop() == 0


def test_killing_the_parent_leaves_no_process(serve: Callable[..., Served]) -> None:
    served = serve()
    assert len(served.living()) >= 4  # the parent, the server, two workers
    served.stop(signal.SIGKILL)
    wait_until(lambda: served.living() == [])


def test_metrics_are_summed_over_all_workers_and_survive_one_that_dies(serve: Callable[..., Served]) -> None:
    served = serve()
    workers = {served.get("/pid")[1] for _ in range(20)}
    assert served.metric("served_hits_total") == 20
    os.kill(int(workers.pop()), signal.SIGKILL)
    assert served.metric("served_hits_total") == 20


@pytest.mark.skipif(every_address() != EVERY_ADDRESS, reason="this machine has no sockets for both families")
def test_outside_development_it_listens_on_both_families_of_addresses(serve: Callable[..., Served]) -> None:
    served = serve(ENVIRONMENT="production")

    for host in ("127.0.0.1", "::1"):
        assert served.get("/pid", host=host)[0] == 200
        assert served.get("/metrics", host=host, port=served.metrics_port)[0] == 200
    again = serve(is_awaited=False, ENVIRONMENT="production", PORT=str(served.port))
    assert again.process.wait(20) == 1
    assert f"Port {served.port} (PORT) is already in use" in again.output


def test_metrics_can_be_switched_off(serve: Callable[..., Served]) -> None:
    served = serve(ENABLE_METRICS="false")
    with pytest.raises(ConnectionRefusedError):
        served.get("/metrics", port=served.metrics_port)


def test_two_run_side_by_side_from_one_checkout(serve: Callable[..., Served]) -> None:
    first, second = serve(), serve()
    assert first.get("/pid")[1] != second.get("/pid")[1]
    assert first.stop() == 0
    assert second.get("/pid")[0] == 200


def test_a_port_in_use_is_named_with_its_setting_and_nothing_is_started(serve: Callable[..., Served]) -> None:
    first = serve()
    second = serve(is_awaited=False, PORT=str(first.port))
    assert second.process.wait(20) == 1
    assert f"Port {first.port} (PORT) is already in use" in second.output
    assert "Nothing was started." in second.output
    assert second.living() == []


def test_a_system_check_that_fails_keeps_it_from_starting(serve: Callable[..., Served]) -> None:
    served = serve(is_awaited=False, SERVED_IS_WRONG="1")
    assert served.process.wait(20) == 1
    assert "admin.E406" in served.output
    assert served.living() == []
