"""What one gateway learns of an upstream, and the other acts on and shows at `/health`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.testing import Sandbox
from tests.faults import wire
from tests.support.gateway import RunningGateway
from tests.support.redis_server import RedisServer
from tests.support.upstream import RawUpstream
from tests.support.waiting import wait_until

Pair = tuple[RunningGateway, RunningGateway, RawUpstream]


@pytest.fixture
def pair(tmp_path: Path, redis_server: RedisServer) -> Iterator[Pair]:
    """Two gateways over one Redis and one database; their claims service is a raw socket."""
    claims, started = RawUpstream(wire.well), list[RunningGateway]()
    with Sandbox() as sandbox:
        for _ in range(2):
            started.append(
                RunningGateway(
                    tmp_path,
                    redis_url=redis_server.url,
                    upstreams={**sandbox.urls, "CLAIMS_SERVICE_URL": claims.url},
                    database=started[0].database if started else None,
                    WORKERS="1",
                    CLAIMS_RETRY_BUDGET="0",
                )
            )
        for gateway in started:
            gateway.await_ready()
            assert gateway.get("/api/v1/claims/m-1").status == 200
        yield started[0], started[1], claims
        for gateway in started:
            gateway.remove()
        claims.refuse()


def claims_at(gateway: RunningGateway) -> tuple[str, dict[str, Any]]:
    """The gateway's status, and what it shows of the claims service."""
    report = gateway.ask("GET", "/health")
    assert report.status == 200
    return report.json["status"], report.json["checks"]["upstreams"]["claims"]


@pytest.mark.long
def test_outages_and_pauses_that_one_gateway_meets_the_other_acts_on_and_shows(pair: Pair) -> None:
    one, other, claims = pair
    wait_until(lambda: claims_at(other) == ("healthy", {"breaker": "closed", "last_answer": "ok"}))

    claims.refuse()
    assert one.get("/api/v1/claims/m-1?offset=1").code == "upstream_unavailable"
    wait_until(lambda: claims_at(other) == ("degraded", {"breaker": "closed", "last_answer": "failed"}))
    for number in range(2, 6):
        one.get(f"/api/v1/claims/m-1?offset={number}")
    wait_until(lambda: claims_at(other) == ("degraded", {"breaker": "open", "last_answer": "failed"}))

    claims.listen()
    assert other.get("/api/v1/claims/m-1?offset=7").status == 200
    claims.say(wire.status("429 Too Many Requests", Retry_After="30"))
    assert other.get("/api/v1/claims/m-1?offset=8").code == "upstream_busy"
    seen = claims.count

    def code_at_one() -> tuple[str, bool]:
        reply = one.get("/api/v1/claims/m-1?offset=9")
        return reply.code, 20 <= int(reply.headers.get("retry-after", 0)) <= 30

    wait_until(lambda: code_at_one() == ("upstream_busy", True))
    assert claims.count == seen
