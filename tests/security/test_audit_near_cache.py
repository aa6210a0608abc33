"""What a process answers from its own memory leaves the rows of any other answer, and says where it came from."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from sandbox.testing import Sandbox
from tests.support.gateway import RunningGateway
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

READS = (
    "dashboard/m-1",
    "dashboard/m-1?sections=member",
    "members/m-1",
    "members/m-1/benefits",
    "members/m-1/coverage",
    "members/m-1/payments",
    "members/m-1/documents",
    "members/m-1/notifications",
    "claims/m-1",
    "claims/m-1/{claim}",
    "claims?member_id=m-1",
    "providers/{provider}/dashboard",
)
#: Of another member, so that none of them finds the whole view, which REST has kept.
QUERIES = (
    '{ memberDashboard(memberId: "m-2") { name recentClaims { id } } }',
    '{ memberClaims(memberId: "m-2") { status } }',
    '{ claim(memberId: "m-1", claimId: "{claim}") { status } }',
)


class Row(NamedTuple):
    """One row of the trail."""

    member_id: str
    action: str
    sections: str
    origins: str
    count: int


@pytest.fixture
def served(tmp_path: Path, redis_server: RedisServer) -> Iterator[RunningGateway]:
    with Sandbox() as sandbox:
        gateway = RunningGateway(tmp_path, redis_url=redis_server.url, upstreams=sandbox.urls, WORKERS="1")
        gateway.await_ready()
        yield gateway
        gateway.remove()


def rows_of(gateway: RunningGateway, request_id: str) -> list[Row]:
    with closing(sqlite3.connect(gateway.database)) as database:
        found = database.execute(
            "SELECT member_id, action, sections, origins, count FROM gateway_clients_auditentry "
            "WHERE request_id = ? AND outcome = 'shown' ORDER BY member_id",
            [request_id],
        )
        return [Row(*each) for each in found.fetchall()]


def asked(gateway: RunningGateway, what: str) -> list[Row]:
    """The rows of one answer of the gateway's to staff."""
    if what.startswith("{"):
        headers = {**gateway.headers_of("admin"), "Content-Type": "application/json"}
        answer = gateway.ask("POST", "/graphql", headers=headers, body=json.dumps({"query": what}).encode())
    else:
        answer = gateway.get(f"/api/v1/{what}")
    assert answer.status == 200, answer.text
    return rows_of(gateway, answer.headers["x-request-id"])


@pytest.mark.long
def test_each_look_from_memory_leaves_the_rows_of_a_fresh_one(served: RunningGateway) -> None:
    claim = served.get("/api/v1/claims/m-1?limit=1").json["claims"][0]

    for read in (*READS, *QUERIES):
        what = read.replace("{claim}", claim["id"]).replace("{provider}", claim["provider_id"])
        first = asked(served, what)
        wait_until(lambda what=what: {row.origins for row in asked(served, what)} == {"near_cache"}, seconds=5)
        near = asked(served, what)

        assert len(near) >= 1, what
        assert [row._replace(origins="") for row in near] == [row._replace(origins="") for row in first], what
        assert ({row.origins for row in near}, {row.count for row in near}) == ({"near_cache"}, {1}), what


@pytest.mark.long
def test_a_members_own_looks_from_memory_are_counted_exactly(served: RunningGateway) -> None:
    wait_until(lambda: "near" in served.get("/api/v1/dashboard/m-1", as_="member").headers["cache-status"], seconds=5)

    answers = [served.get("/api/v1/dashboard/m-1", as_="member") for _ in range(50)]

    is_near = ["near" in answer.headers["cache-status"] for answer in answers]
    ids = [answer.headers["x-request-id"] for answer in answers]
    wait_until(lambda: rows_of(served, ids[-1]) != [], seconds=2)
    rows = [rows_of(served, each) for each in ids]
    assert [len(each) for each in rows] == [1] * 50
    assert [row.origins == "near_cache" for (row,) in rows] == is_near
    assert sum(is_near) >= 45
