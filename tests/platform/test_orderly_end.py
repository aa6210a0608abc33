"""What a worker of `manage.py serve` leaves behind when it ends in order: nothing that others wait for, or miss."""

import uuid
from pathlib import Path
from typing import Any, Final

import redis

from gateway_clients.conf import SERVICES
from tests.support.gateway import RunningGateway
from tests.support.otlp_collector import OtlpCollector
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

NOWHERE: Final = {f"{name.upper()}_SERVICE_URL": "http://127.0.0.1:1" for name in SERVICES}


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
