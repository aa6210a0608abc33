"""A read is counted in the round trip that looks for its answer; one too many asks nobody for anything."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway_clients.conf import SERVICES
from gateway_clients.edge.graphql.document import parse
from gateway_clients.redis_access.script import ScriptCall
from gateway_clients.redis_access.script_pool import ScriptPool
from tests.support.portals import own_counters

__all__ = ["own_counters"]

NAME = '{ memberDashboard(memberId: "m-1") { name } }'
DASHBOARD = "/api/v1/dashboard/m-1"


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many scripts each round trip to Redis had."""
    made: list[int] = []
    run = ScriptPool.run

    def counted(lane: ScriptPool, calls: Sequence[ScriptCall]) -> list[Any]:
        made.append(len(calls))
        return run(lane, calls)

    monkeypatch.setattr(ScriptPool, "run", counted)
    return made


def asked(client: Any, query: str) -> Any:
    return client.post("/graphql", {"query": query}, content_type="application/json")


@pytest.mark.parametrize("read", [lambda client: client.get(DASHBOARD), lambda client: asked(client, NAME)])
def test_a_kept_answer_costs_one_round_trip(read, as_, sandbox, trips: list[int]) -> None:
    client = as_("member")
    assert [client.get(DASHBOARD).status_code, read(client).status_code] == [200, 200]
    trips.clear()
    answer = read(client)

    assert (answer.status_code, trips) == (200, [2])
    assert answer.headers["Cache-Status"].startswith("web-bff; hit; ttl=")
    assert "r=9997;" in answer.headers["RateLimit"]


@pytest.mark.parametrize(
    "read", [lambda client: client.get(DASHBOARD), lambda client: client.get("/api/v1/claims?member_id=m-1"),
             lambda client: asked(client, NAME)]
)  # fmt: skip
def test_one_too_many_asks_no_service(read, as_, sandbox, settings: Any) -> None:
    client = as_("member")
    assert read(client).status_code == 200
    settings.RATE_LIMIT_MAX = 1
    assert client.get("/api/v1/auth/me").status_code == 200
    settings.CACHE_KEY_PREFIX += "-nothing-kept"
    sandbox.reset()
    answer = read(client)

    assert (answer.status_code, [sandbox.calls(service).total for service in SERVICES]) == (429, [0] * len(SERVICES))
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["RateLimit"].startswith('"default";r=0;')


@pytest.mark.parametrize("path", [DASHBOARD, f"{DASHBOARD}?sections=member", "/api/v1/claims?member_id=m-1"])
def test_past_the_limit_what_is_unchanged_is_shown_and_nothing_is_asked_for(path: str, as_, sandbox, settings) -> None:
    client = as_("member")
    settings.RATE_LIMIT_MAX = 2
    etag = client.get(path)["ETag"]
    assert [client.get(path).status_code for _ in range(2)] == [200, 429]
    sandbox.reset()

    unchanged = [client.get(path, headers={"If-None-Match": etag}) for _ in range(2)]
    other = client.get(path, headers={"If-None-Match": 'W/"another"'})
    fresh = client.get(path, headers={"If-None-Match": etag, "Cache-Control": "no-cache"})
    settings.CACHE_KEY_PREFIX += "-nothing-kept"
    lost = client.get(path, headers={"If-None-Match": etag})

    assert [each.status_code for each in (*unchanged, other, fresh, lost)] == [304, 304, 429, 429, 429]
    assert unchanged[1].headers["RateLimit"].startswith('"default";r=0;')
    assert [sandbox.calls(service).total for service in SERVICES] == [0] * len(SERVICES)


def test_one_too_many_has_no_document_read_and_nothing_changed(as_, sandbox, settings: Any, monkeypatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(
        "gateway_clients.edge.graphql.document.parse", lambda text, **more: read.append(text) or parse(text, **more)
    )
    client = as_("member")
    settings.RATE_LIMIT_MAX = 1
    statuses = [asked(client, query).status_code for query in ("{ me { id } }", "{ me { name } }", "{ no")]

    assert (statuses, read) == ([200, 429, 429], ["{ me { id } }"])


def test_a_mutation_too_many_changes_nothing_though_its_document_is_known(as_, sandbox, settings: Any) -> None:
    client = as_("member")
    change = 'mutation { updateContact(memberId: "m-1", contact: {phone: "+62 811-000-111"}) { phone } }'
    settings.RATE_LIMIT_MAX = 1
    changes_before = len(sandbox.ledger("member"))
    statuses = [asked(client, change).status_code for _ in range(2)]

    assert statuses == [200, 429]
    assert len(sandbox.ledger("member")) - changes_before == 1
