"""What a worker of `manage.py serve` leaves behind when it ends in order: nothing that others wait for, or miss."""

import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any, Final

import pytest
import redis

from gateway_clients.conf import SERVICES
from tests.support.gateway import ROOT, RunningGateway
from tests.support.otlp_collector import OtlpCollector
from tests.support.processes import clean_environment
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

NOWHERE: Final = {f"{name.upper()}_SERVICE_URL": "http://127.0.0.1:1" for name in SERVICES}


#: A worker is told to end when it has its lease and has not taken up its work; what it raises then may get lost.
STARTING: Final = """
import multiprocessing, os, signal, sys
from contextlib import suppress
import redis
from bff_project.processes import http_server
from bff_project.processes.signals import forked_children_end_by
from gateway_clients.runtime.process_end import at_process_end
from tests.support.waiting import wait_until

def be_told_to_end(_):
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as asked:
        wait_until(lambda: asked.zcard("bff:cluster:leases") == 1, seconds=20)
    print("leased", flush=True)
    # A terminal tells all of them, and then the server its workers: at their end they hear it once more.
    at_process_end(lambda: signal.raise_signal(signal.SIGTERM))
    with suppress(*[BaseException] * (sys.argv[1] == "lost")):
        signal.raise_signal(getattr(signal, sys.argv[2]))
http_server.Doorkeeper.start = be_told_to_end
forked_children_end_by((signal.SIGTERM, signal.SIGINT))
options = {"port": 1, "threads": 8, "connections": 8, "longest_seconds": 1}
worker = multiprocessing.get_context("fork").Process(
    target=http_server.load_application, args=(os.getpid(),), kwargs=options)
worker.start()
worker.join(30)
print(worker.exitcode, flush=True)
"""


def holders(server: RedisServer) -> list[Any]:
    """Who holds a lease."""
    with redis.Redis.from_url(server.url) as asked:
        return list(asked.zrange("bff:cluster:leases", 0, -1))


def test_leases_are_given_back_so_that_no_write_waits_for_who_is_gone(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    gateway = RunningGateway(tmp_path, redis_url=redis_server.url, upstreams=NOWHERE, CLUSTER_LEASE_SECONDS="60")
    try:
        gateway.await_ready()
        wait_until(lambda: len(holders(redis_server)) == 2, seconds=60)
        assert gateway.stop() == 0
        assert holders(redis_server) == []
    finally:
        gateway.remove()


@pytest.mark.parametrize("fate", ["raised", "lost"])
@pytest.mark.parametrize("signame", ["SIGTERM", "SIGINT"])
def test_a_worker_that_is_told_to_end_while_it_starts_gives_its_lease_back(
    tmp_path: Path, redis_server: RedisServer, fate: str, signame: str
) -> None:
    environment = {
        **clean_environment(),
        **NOWHERE,
        "ENVIRONMENT": "development",
        "DJANGO_SETTINGS_MODULE": "bff_project.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite3'}",
        "REDIS_URL": redis_server.url,
        "CLUSTER_LEASE_SECONDS": "60",
    }
    started = [sys.executable, "-c", STARTING, fate, signame]
    done = subprocess.run(started, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90, check=False)

    assert done.stdout.split()[-2:] == ["leased", "0"], done.stderr
    assert holders(redis_server) == []


def test_spans_that_waited_are_sent(tmp_path: Path, redis_server: RedisServer) -> None:
    trace_id = uuid.uuid4().hex
    with OtlpCollector() as collector:
        gateway = RunningGateway(
            tmp_path,
            redis_url=redis_server.url,
            upstreams=NOWHERE,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="60000",
        )
        try:
            gateway.await_ready()
            gateway.get("/health", as_=None, traceparent=f"00-{trace_id}-b7ad6b7169203331-01")
            assert collector.spans(trace_id) == []
            assert gateway.stop() == 0
            assert collector.tree(trace_id) != []
        finally:
            gateway.remove()
