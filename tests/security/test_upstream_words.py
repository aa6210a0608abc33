"""What a failing upstream says about its failure reaches no portal, log, metric, cache or page of staff's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from gateway_clients.conf import SERVICES
from tests.portal.address import TODAY
from tests.portal.addresses import ADDRESSES
from tests.security.canaries import canary, is_marked, marked_columns, marked_in_redis, marked_lines
from tests.support.gateway import Reply, RunningGateway
from tests.support.redis_server import RedisServer
from tests.support.staff import Staff
from tests.support.upstream import RawUpstream, Script, answer, says

STATUSES: Final = (400, 401, 403, 404, 405, 409, 410, 412, 413, 422, 428, 429, 500, 501, 502, 503, 504)
#: Pages of staff's that show what upstreams did.
PAGES: Final = (
    "", "console/breaker/", "console/breaker/claims/change/", "console/cacheentry/", "console/explanation/",
    "console/contractdrift/", "console/upstream/", "claims/submission/", "gateway_clients/outboxmessage/",
    "gateway_clients/auditentry/", "admin/logentry/", "members/account/",
)  # fmt: skip
WRITES: Final = (
    ("POST", "claims", {
        "member_id": "m-1", "provider_id": "prov-1", "service_date": TODAY, "diagnosis_code": "J06.9",
        "items": [{"benefit_code": "CONS-GP", "amount": 1000}],
    }),
    ("POST", "claims/m-1/clm-1/cancel", {"reason": "a reason"}),
    ("POST", "claims/m-1/clm-1/appeal", {"reason": "a reason"}),
    ("PATCH", "members/m-1", {"phone": "+62 811 100 200"}),
)  # fmt: skip
QUERY: Final = '{ memberDashboard(memberId: "m-1") { name notifications { title } recentClaims { id } } }'


def headers() -> list[tuple[str, str]]:
    """Canaries in whatever a service or a proxy before it may add."""
    return [
        ("Server", canary("server")), ("X-Debug", canary("debug")), ("Via", f"1.1 {canary('via')}"),
        ("WWW-Authenticate", f'Bearer realm="{canary("realm")}"'), ("Set-Cookie", f"{canary('cookie')}=1"),
        ("Location", f"http://{canary('host')}.example/"), ("ETag", f'"{canary("etag")}"'),
        ("Retry-After", canary("retry")), ("Warning", f'199 - "{canary("warning")}"'),
    ]  # fmt: skip


def problem(status: int) -> bytes:
    """A problem (RFC 9457) and what frameworks answer, all in one."""
    said = {name: canary(name) for name in ("type", "title", "detail", "instance", "code", "message", "error", "trace")}
    errors = {"errors": {canary("field"): [canary("message")]}, "violations": [{"field": canary("field")}]}
    body = json.dumps({**said, **errors, "status": status}).encode()
    more = [("Content-Type", "application/problem+json"), *headers()]
    return answer(body, status=f"{status} {canary('reason')}", headers=more)


def lies() -> Iterator[Script]:
    """Every way of failing, with a canary wherever there is room for one."""
    for status in STATUSES:
        yield says(problem(status))
    yield says(answer(canary("page").encode(), status="500 Oops", headers=[("Content-Type", canary("type"))]))
    yield says(answer(status=f"302 {canary('reason')}", headers=headers()))
    for body in (f'"{canary("text")}"', f'{{"{canary("name")}": "{canary("value")}"}}', f"[{canary('broken')}"):
        yield says(answer(body.encode(), headers=[("Content-Type", "application/json"), *headers()]))
    wrong = {"id": [canary("id")], "items": canary("items"), "total": canary("total"), "status": canary("status")}
    yield says(answer(json.dumps(wrong).encode(), headers=[("Content-Type", "application/json")]))
    for head in ("%s\r\n\r\n", "HTTP/1.1 %s\r\n\r\n", "HTTP/1.1 200 OK\r\n%s\r\n\r\n"):
        yield says((head % canary("head")).encode())
    yield says(f"HTTP/1.1 200 OK\r\nContent-Length: {canary('length')}\r\n\r\n".encode())
    yield says(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{canary('chunk')}\r\n".encode())


@pytest.fixture
def upstream() -> Iterator[RawUpstream]:
    with RawUpstream(says(answer())) as running:
        yield running


@pytest.fixture
def served(tmp_path: Path, redis_server: RedisServer, upstream: RawUpstream) -> Iterator[RunningGateway]:
    settings = {"WORKERS": "1", "EXPLAIN_SAMPLE": "1", "UPSTREAM_TIMEOUT_SECONDS": "1"}
    for service in SERVICES:
        settings |= {f"{service.upper()}_BREAKER_FAILURES": "1000000", f"{service.upper()}_RETRY_BUDGET": "0"}
    upstreams = {f"{service.upper()}_SERVICE_URL": upstream.url for service in SERVICES}
    gateway = RunningGateway(tmp_path, redis_url=redis_server.url, upstreams=upstreams, **settings)
    gateway.await_ready()
    yield gateway
    gateway.remove()


def asked(gateway: RunningGateway) -> Iterator[Reply]:
    """The answers to every read, to some writes and to a query."""
    as_admin = gateway.headers_of("admin", Cache_Control="no-cache", Content_Type="application/json")
    for address in ADDRESSES:
        if address.method == "get":
            yield gateway.ask("GET", f"/api/v1/{address.path}", headers=as_admin)
    for method, path, body in WRITES:
        yield gateway.ask(method, f"/api/v1/{path}", headers=as_admin, body=json.dumps(body).encode())
    yield gateway.ask("POST", "/graphql", headers=as_admin, body=json.dumps({"query": QUERY}).encode())


@pytest.mark.long
@pytest.mark.timeout(300)
def test_an_upstreams_own_words_about_its_failure_reach_nobody(served: RunningGateway, upstream: RawUpstream) -> None:
    answers = list[Reply]()
    for lie in lies():
        upstream.say(lie)
        answers += asked(served)
    staff, explained = (
        Staff(served),
        {each.json["instance"] for each in answers if each.code and "instance" in each.json},
    )
    pages = {page: staff.get(f"/admin/{page}").text for page in PAGES}
    pages |= {path: staff.get(path).text for path in sorted(explained)[::10]}
    metrics = served.ask("GET", "/metrics", port=served.metrics_port).body.decode()
    redis = marked_in_redis(served.redis_url)
    assert served.stop() == 0

    assert upstream.count > len(answers)
    assert [each.text for each in answers if is_marked(each.text) or each.status == 500] == []
    assert len(pages) > 3 * len(PAGES)
    assert {page for page, text in pages.items() if is_marked(text)} == set()
    assert marked_lines(served.output) == []
    assert marked_lines(metrics) == []
    assert redis == []
    assert marked_columns(served.database, {}) == {}
