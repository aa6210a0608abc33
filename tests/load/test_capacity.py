"""What the gateway does at once while every upstream hangs, how it ends under load."""

import signal
import statistics
import threading
import time
from collections.abc import Callable
from typing import Final

import pytest

from gateway_clients.conf import SERVICES
from sandbox.testing import Sandbox
from tests.load.conftest import Start
from tests.support.crowd import Ask, crowd
from tests.support.gateway import Reply, RunningGateway
from tests.support.pauses import pauses
from tests.support.waiting import wait_until

pytestmark = pytest.mark.alone

AT_ONCE_SECONDS: Final = 0.1
SHED_SECONDS: Final = 0.05
TRIES: Final = 15
#: Few threads, breakers that stay closed and bulkheads that are never full: requests wait for upstreams that hang.
HANGING: Final = {
    "THREADS": "32",
    "BREAKER_FAILURES": "1000000",
    "BREAKER_MIN_CALLS": "1000000",
    "BULKHEAD_LIMIT": "1000",
    "RETRY_BUDGET": "0",
}


def dashboards_of(gateway: RunningGateway) -> Callable[[int], Ask]:
    """Each reader wants another member's."""
    headers = gateway.headers_of("admin")
    return lambda number: Ask(gateway.port, f"/api/v1/dashboard/m-{number % 300 + 1}", headers)


def seconds_of(ask: Callable[[], Reply]) -> list[float]:
    replies = [ask() for _ in range(TRIES)]
    assert {reply.status for reply in replies} == {200}
    return [reply.seconds for reply in replies]


def at_once(calm: list[float], promised: float) -> float:
    """What was promised, or on a machine so busy that it hardly holds without any load, twice what it takes there."""
    return max(promised, 2 * statistics.median(calm))


def test_health_sign_in_and_shed_answers_come_at_once_while_every_upstream_hangs(
    start: Start, sandbox: Sandbox
) -> None:
    gateway = start(**HANGING)
    asks: dict[str, Callable[[], Reply]] = {
        "live": lambda: gateway.ask("GET", "/health/live"),
        "report": lambda: gateway.ask("GET", "/health"),
        "ready": lambda: gateway.ask("GET", "/health/ready"),
        "sign-in": lambda: gateway.sign_in("member"),
    }
    calm = {name: seconds_of(ask) for name, ask in asks.items()}
    for service in SERVICES:
        sandbox.fault(service, "hang")

    with crowd(dashboards_of(gateway), readers=70, patience_seconds=0.5) as running:
        wait_until(lambda: sum(timed.reply.code == "overloaded" for timed in running.timed) > 20, seconds=10)
        began = time.monotonic()
        with pauses() as own:
            hanging = {name: seconds_of(ask) for name, ask in asks.items()}
        end = time.monotonic()

    for name in asks:
        assert statistics.median(hanging[name]) < at_once(calm[name], AT_ONCE_SECONDS)
        assert max(hanging[name]) < max(AT_ONCE_SECONDS, 4 * max(calm[name])) + own.longest_seconds
    shed = [reply for reply in running.between(began, end) if reply.code == "overloaded"]
    assert statistics.median(reply.seconds for reply in shed) < at_once(calm["sign-in"], SHED_SECONDS)
    assert {(reply.status, reply.headers["retry-after"]) for reply in shed} == {(503, "1")}
    assert running.failures == []
    assert {timed.reply.status for timed in running.timed} <= {503, 504}


@pytest.mark.long
def test_hanging_upstreams_make_nobody_wait_longer_than_the_budget(start: Start, sandbox: Sandbox) -> None:
    gateway = start()
    for service in SERVICES:
        sandbox.fault(service, "hang")

    with crowd(dashboards_of(gateway), readers=40, patience_seconds=0.2) as running:
        wait_until(lambda: len(running.timed) > 150, seconds=30)

    assert max(timed.reply.seconds for timed in running.timed) <= 3.5
    assert {timed.reply.status for timed in running.timed} <= {503, 504}


@pytest.mark.long
def test_sigterm_under_load_answers_what_is_in_flight_and_takes_new_requests_while_it_drains(
    start: Start, sandbox: Sandbox
) -> None:
    gateway = start(DRAIN_SECONDS="1.5")
    headers = gateway.headers_of("admin")
    sandbox.fault("claims", "delay", delay_seconds=1.2)
    in_flight: list[Reply] = []

    def read(number: int) -> None:
        in_flight.append(gateway.ask("GET", f"/api/v1/claims/m-{number}", headers=headers))

    def begin(numbers: range) -> list[threading.Thread]:
        threads = [threading.Thread(target=read, args=(number,)) for number in numbers]
        for thread in threads:
            thread.start()
        return threads

    early = begin(range(1, 9))
    wait_until(lambda: sandbox.calls("claims").in_flight == 8)
    gateway.process.send_signal(signal.SIGTERM)
    wait_until(lambda: gateway.ask("GET", "/health/ready").status == 503, seconds=1)
    late = begin(range(11, 15))

    assert gateway.process.wait(20) == 0
    for thread in (*early, *late):
        thread.join()
    assert [reply.status for reply in in_flight] == [200] * 12
    assert gateway.living() == []
