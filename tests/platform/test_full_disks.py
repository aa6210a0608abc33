"""`manage.py serve` while the disk under its metrics or its log is full: that costs samples and lines only."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.testing import Sandbox
from tests.support.gateway import RunningGateway, migrated_database
from tests.support.redis_server import RedisServer
from tests.support.small_disk import fill
from tests.support.waiting import wait_until

Start = Callable[..., RunningGateway]


@pytest.fixture
def start(tmp_path: Path, redis_server: RedisServer) -> Iterator[Start]:
    """Starts a gateway over the sandbox."""
    started: list[RunningGateway] = []
    with Sandbox() as sandbox:

        def begin(*, log_directory: Path = tmp_path, **settings: str) -> RunningGateway:
            database = tmp_path / "database.sqlite3"
            shutil.copy(migrated_database(), database)
            gateway = RunningGateway(
                log_directory, redis_url=redis_server.url, upstreams=sandbox.urls, database=database, **settings
            )
            started.append(gateway)
            gateway.await_ready()
            return gateway

        yield begin
        for gateway in started:
            gateway.remove()


#: Addresses that each count under labels of their own.
ADDRESSES = (
    "/api/v1/dashboard/m-1",
    "/api/v1/claims/m-1",
    "/api/v1/providers",
    "/health",
    "/nowhere",
    "/api/v1/admin/overview",
)


@pytest.mark.long
def test_with_the_metrics_disk_full_every_request_is_served_and_no_worker_ends(start: Start, small_disk: Path) -> None:
    metrics = small_disk / "metrics"
    metrics.mkdir()
    filler = fill(small_disk)
    gateway = start(PROMETHEUS_MULTIPROC_DIR=str(metrics))
    workers = gateway.workers
    statuses = {path: {gateway.get(path).status for _ in range(10)} for path in ADDRESSES}
    assert statuses == {path: {404 if path == "/nowhere" else 200} for path in ADDRESSES}
    assert gateway.ask("GET", "/metrics", port=gateway.metrics_port).status == 200
    assert gateway.workers == workers

    filler.unlink()

    def counted() -> float:
        gateway.get("/nowhere")
        return gateway.metric("http_request_duration_seconds_count", route="/health")

    wait_until(lambda: counted() == 10, seconds=20)


@pytest.mark.long
def test_with_the_log_disk_full_every_request_is_served_and_lines_are_written_again_when_there_is_room(
    start: Start, small_disk: Path
) -> None:
    filler = fill(small_disk)
    gateway = start(log_directory=small_disk)
    workers = gateway.workers
    assert {gateway.get("/api/v1/claims/m-1").status for _ in range(20)} == {200}
    assert gateway.get("/nowhere").status == 404
    assert gateway.workers == workers
    assert gateway.output == ""

    filler.unlink()
    wait_until(lambda: gateway.get("/nowhere") and '"route":"unmatched"' in gateway.output)
    fill(small_disk)
    assert gateway.stop() == 0


def test_where_the_metrics_directory_cannot_be_made_it_says_so_and_serves(start: Start) -> None:
    gateway = start(PROMETHEUS_MULTIPROC_DIR="/proc/metrics")
    assert "/proc/metrics cannot be written" in gateway.output
    assert {gateway.get("/api/v1/claims/m-1").status for _ in range(10)} == {200}
    assert gateway.ask("GET", "/metrics", port=gateway.metrics_port).status == 200
