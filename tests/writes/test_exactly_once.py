"""Exactly once, with real processes: killed anywhere, on every database and broker."""

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from gateway_clients.runtime.failpoints import Failpoint
from sandbox.testing import Sandbox
from tests.support.processes import clean_environment
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until
from tests.writes import chaos
from tests.writes.cluster import ROOT, Cluster, Gateway, Worker
from tests.writes.portal import a_claim
from tests.writes.servers import postgres, rabbitmq

pytestmark = pytest.mark.timeout(300)
Engine = Callable[[], AbstractContextManager[str]]


@pytest.fixture(scope="module")
def services() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def cluster(services: Sandbox, tmp_path: Path, django_db_blocker: Any) -> Iterator[Cluster]:
    services.clear()
    made = Cluster(services, tmp_path)
    with django_db_blocker.unblock():
        yield made
    made.stop()


def start(cluster: Cluster, *, gateways: int = 2, workers: int = 2) -> tuple[list[Gateway], list[Worker]]:
    """Gateways and workers, all ready."""
    serving = [cluster.gateway(is_awaited=False) for _ in range(gateways)]
    working = [cluster.worker(is_awaited=False) for _ in range(workers)]
    wait_until(lambda: all(each.is_ready() for each in (*serving, *working)), seconds=60)
    return serving, working


def click_twenty_times_at_once(cluster: Cluster, serving: list[Gateway]) -> None:
    """Of twenty clicks at two gateways one is submitted, the others are told so."""
    before = len(cluster.sandbox.ledger("claims"))
    together = threading.Barrier(20)

    def click(number: int) -> int:
        together.wait(timeout=10)
        return serving[number % len(serving)].ask("POST", "claims", cluster.tokens[0], a_claim(), "twenty").status

    with ThreadPoolExecutor(20) as pool:
        statuses = Counter(pool.map(click, range(20)))

    assert statuses[201] >= 1
    assert statuses.keys() <= {201, 409}
    assert len(cluster.sandbox.ledger("claims")) == before + 1
    wait_until(cluster.is_idle, seconds=20)


@pytest.mark.long
def test_twenty_clicks_at_once_and_a_short_storm(cluster: Cluster) -> None:
    serving, working = start(cluster)
    click_twenty_times_at_once(cluster, serving)
    print(chaos.run(cluster, serving, working, count=30, seed=1, kill_every_seconds=0.7))


POINTS = {
    Failpoint.BEFORE_INSERT: 0,
    Failpoint.AFTER_INSERT: 0,
    Failpoint.BEFORE_SEND: 0,
    Failpoint.AFTER_SEND_BEFORE_RECORD: 1,
    Failpoint.AFTER_RECORD_BEFORE_ANSWER: 1,
}


@pytest.mark.long
def test_a_gateway_that_dies_at_any_point_leaves_nothing_lost_and_nothing_twice(cluster: Cluster) -> None:
    """Five gateways, each of which dies at another point; then the portal asks a sixth, which is well."""
    token = cluster.tokens[0]
    before = len(cluster.sandbox.ledger("claims"))
    notices = len(cluster.sandbox.ledger("notification"))
    claims = {point: a_claim(notes=point.value) for point in POINTS}
    dying = {point: cluster.gateway(is_awaited=False, FAILPOINT=point.value, WORKERS="1") for point in POINTS}
    well = cluster.gateway(is_awaited=False)
    wait_until(lambda: well.is_ready() and all(each.is_ready() for each in dying.values()), seconds=60)

    for point, gateway in dying.items():
        with pytest.raises((OSError, HTTPException)):
            gateway.ask("POST", "claims", token, claims[point], point.value)
        gateway.remove()

    made = [entry.body["notes"] for entry in cluster.sandbox.ledger("claims")[before:]]
    assert Counter(made) == Counter([point.value for point, count in POINTS.items() if count])
    at_once = {point: well.ask("POST", "claims", token, claims[point], point.value).status for point in POINTS}
    assert at_once == {
        Failpoint.BEFORE_INSERT: 201,
        Failpoint.AFTER_INSERT: 409,
        Failpoint.BEFORE_SEND: 409,
        Failpoint.AFTER_SEND_BEFORE_RECORD: 409,
        Failpoint.AFTER_RECORD_BEFORE_ANSWER: 201,
    }
    cluster.worker()

    def is_submitted(point: Failpoint) -> bool:
        return well.ask("POST", "claims", token, claims[point], point.value).status == 201

    wait_until(lambda: all(is_submitted(point) for point in POINTS), seconds=30)
    wait_until(cluster.is_idle, seconds=10)
    made = [entry.body["notes"] for entry in cluster.sandbox.ledger("claims")[before:]]
    assert Counter(made) == Counter([point.value for point in POINTS])
    assert len(cluster.sandbox.ledger("notification")) == notices + len(POINTS)


@pytest.mark.long
def test_a_worker_that_dies_between_telling_and_recording_tells_again_with_the_same_key(cluster: Cluster) -> None:
    gateway = cluster.gateway()
    before = len(cluster.sandbox.ledger("notification"))
    assert gateway.ask("POST", "claims", cluster.tokens[0], a_claim(), "k-1").status == 201
    cluster.keep_only_notifications()

    dying = cluster.worker(is_awaited=False, FAILPOINT=Failpoint.AFTER_HANDLER_BEFORE_DONE.value)
    assert dying.process.wait(30) == -signal.SIGKILL
    assert [entry.repeats for entry in cluster.sandbox.ledger("notification")[before:]] == [0]
    assert not cluster.is_idle()
    cluster.make_all_due()
    cluster.worker()

    wait_until(cluster.is_idle, seconds=20)
    assert [entry.repeats for entry in cluster.sandbox.ledger("notification")[before:]] == [1]


@contextmanager
def nothing() -> Iterator[str]:
    """No server of its own."""
    yield ""


@contextmanager
def redis_broker() -> Iterator[str]:
    """A Redis that only carries nudges."""
    server = RedisServer()
    server.start()
    try:
        yield server.url
    finally:
        server.remove()


#: What the storm is weathered on: the database, the broker.
ENGINES: dict[str, tuple[Engine, Engine]] = {
    "SQLite": (nothing, nothing),
    "PostgreSQL": (postgres, nothing),
    "PostgreSQL, Celery on Redis": (postgres, redis_broker),
    "PostgreSQL, Celery on RabbitMQ": (postgres, rabbitmq),
}


@pytest.mark.long
@pytest.mark.parametrize("engine", ENGINES)
def test_a_storm(services: Sandbox, tmp_path: Path, django_db_blocker: Any, engine: str) -> None:
    database, broker = ENGINES[engine]
    services.clear()
    with database() as database_url, broker() as broker_url, django_db_blocker.unblock():
        settings = {"DATABASE_URL": database_url} if database_url else {}
        cluster = Cluster(services, tmp_path, CELERY_BROKER_URL=broker_url, **settings)
        try:
            serving, working = start(cluster)
            click_twenty_times_at_once(cluster, serving)
            print(engine, chaos.run(cluster, serving, working, count=100, seed=2, kill_every_seconds=0.8))
        finally:
            cluster.stop()


@pytest.mark.long
@pytest.mark.parametrize("broker", [redis_broker, rabbitmq])
def test_a_nudge_has_it_done_before_the_sweep_comes(
    services: Sandbox, tmp_path: Path, django_db_blocker: Any, broker: Engine
) -> None:
    """Celery alone, without the sweep."""
    with broker() as broker_url, django_db_blocker.unblock():
        cluster = Cluster(services, tmp_path, CELERY_BROKER_URL=broker_url)
        try:
            gateway = cluster.gateway()
            celery = cluster.celery()
            wait_until(lambda: "ready" in celery.output, seconds=60)
            before = len(services.ledger("notification"))
            assert gateway.ask("POST", "claims", cluster.tokens[0], a_claim(), "k-1").status == 201

            wait_until(lambda: len(services.ledger("notification")) == before + 1, seconds=10)
            wait_until(cluster.is_idle, seconds=10)
        finally:
            cluster.stop()


@pytest.mark.long
def test_the_rules_hold_on_postgresql_too() -> None:
    """The tests of this folder that need no other processes, once more, on another database."""
    with postgres() as url:
        files = sorted(str(path) for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__))
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-m",
            "not long and not alone",
            "-p",
            "no:cacheprovider",
            *files,
        ]
        result = subprocess.run(
            command,
            cwd=ROOT,
            env={**clean_environment(), "DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 0, result.stdout[-5000:]
