"""What a worker holds in memory: after many requests, with all its threads, and behind every fault of its upstreams."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from gateway_clients.conf import SERVICES
from sandbox.testing import FaultKind, Sandbox
from tests.database.conftest import prepare
from tests.load.conftest import Start
from tests.support.crowd import Ask, crowd
from tests.support.gateway import RunningGateway, resident_bytes
from tests.support.shipped_packages import shipped_packages_alone
from tests.support.waiting import wait_until
from tests.writes.servers import postgres

pytestmark = pytest.mark.alone

MEMORY_LIMIT_BYTES: Final = 150_000_000
MEMORY_GROWTH_BYTES: Final = 10_000_000
#: More than the default of `THREADS`, so that a worker has made all of its threads.
MANY_READERS: Final = 200
THREADS: Final = 192
READS_OF_EACH_FAULT: Final = 300
#: Of a whole round of faults behind the first.
FAULTS_GROWTH_BYTES: Final = 3_000_000


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A database as in production, where threads share a pool of connections."""
    with postgres() as url:
        prepare(url)
        yield url


def dashboards_of(gateway: RunningGateway) -> Callable[[int], Ask]:
    """Each reader wants another member's."""
    headers = gateway.headers_of("admin")
    return lambda number: Ask(gateway.port, f"/api/v1/dashboard/m-{number % 300 + 1}", headers)


def mixed(gateway: RunningGateway, *, fresh_of: int) -> Callable[[int], Ask]:
    """Dashboards and claims of members, some of whom nobody knows; one of so many looks past the cache."""
    headers = gateway.headers_of("admin")
    fresh = {**headers, "Cache-Control": "no-cache"}

    def ask_of(number: int) -> Ask:
        member = f"m-{number % 320 + 1}"
        path = f"/api/v1/claims/{member}?offset={number % 7}" if number % 3 == 0 else f"/api/v1/dashboard/{member}"
        return Ask(gateway.port, path, fresh if number % fresh_of == 0 else headers)

    return ask_of


def threads_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def hold_memory(gateway: RunningGateway, requests: int) -> None:
    """Reads so many dashboards, warm and cold, claims and errors among them, and looks at what the workers hold."""

    def read(count: int) -> None:
        with crowd(mixed(gateway, fresh_of=5), readers=12) as running:
            wait_until(lambda: len(running.timed) >= count, seconds=1800)
        assert running.failures == []
        assert {timed.reply.status for timed in running.timed} <= {200, 404}

    read(requests // 2)
    before = {pid: resident_bytes(pid) for pid in gateway.workers}
    read(requests // 2)
    after = {pid: resident_bytes(pid) for pid in gateway.workers}

    assert len(after) == 2
    assert max(resident_bytes(pid, "VmHWM") for pid in after) < MEMORY_LIMIT_BYTES
    assert max(after[pid] - before[pid] for pid in after) < MEMORY_GROWTH_BYTES


@pytest.mark.long
@pytest.mark.timeout(2400)
def test_a_worker_holds_little_memory_after_50_000_requests(start: Start) -> None:
    hold_memory(start(**shipped_packages_alone()), 50_000)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_each_thread_of_a_worker_takes_little_memory(postgres_url: str, start: Start) -> None:
    gateway = start(DATABASE_URL=postgres_url, WORKERS="1", **shipped_packages_alone())
    (pid,) = gateway.workers

    with crowd(dashboards_of(gateway), readers=96) as running:
        wait_until(lambda: len(running.timed) >= 10_000, seconds=500)

    assert running.failures == []
    assert threads_of(pid) > 96
    assert resident_bytes(pid, "VmHWM") < MEMORY_LIMIT_BYTES


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_worker_with_all_its_threads_holds_little_memory_behind_every_fault(
    postgres_url: str, start: Start, sandbox: Sandbox
) -> None:
    gateway = start(DATABASE_URL=postgres_url, WORKERS="1", **shipped_packages_alone())
    (pid,) = gateway.workers
    with crowd(dashboards_of(gateway), readers=MANY_READERS, patience_seconds=0.1) as running:
        wait_until(lambda: threads_of(pid) > THREADS and len(running.timed) >= 2_000, seconds=60)

    held = []
    for round_number in range(2):
        chosen = random.Random(round_number)
        for kind in chosen.sample(list(FaultKind), len(FaultKind)):
            for service in chosen.sample(sorted(SERVICES), chosen.randint(1, 4)):
                sandbox.fault(service, kind, delay_seconds=0.2 if kind is FaultKind.DELAY else 0.0)
            with crowd(mixed(gateway, fresh_of=2), readers=64, patience_seconds=0.1) as running:
                wait_until(lambda running=running: len(running.timed) >= READS_OF_EACH_FAULT, seconds=60)  # type: ignore[misc]
            sandbox.clear()
            assert (kind, running.failures) == (kind, [])
            assert {timed.reply.status for timed in running.timed} <= {200, 404, 502, 503, 504}
        held.append(resident_bytes(pid))

    assert max(held) < MEMORY_LIMIT_BYTES
    assert held[1] - held[0] < FAULTS_GROWTH_BYTES
