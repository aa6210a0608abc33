"""What upstreams and portals send is in nobody's log, metric, cache key, audit row or explanation, nor open at rest."""

import json
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from django.test import Client

from gateway_clients.conf import SERVICES
from sandbox.testing import FaultKind, Sandbox
from tests.events.signing import SECRET, body_of, headers_of
from tests.portal.address import TODAY
from tests.portal.addresses import ADDRESSES
from tests.security.canaries import MARK, canary, is_marked, mark_world, marked_columns, marked_in_redis, marked_lines
from tests.support.gateway import ACCOUNTS, ROOT, Reply, RunningGateway
from tests.support.processes import Started, clean_environment
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

KEY: Final = "b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkMTI="
#: Columns in which what somebody has sent stands open, and why.
OPEN_COLUMNS: Final = {
    "members_account.email": "what an account signs in with",
    "members_account.name": "what staff know an account by",
    "members_tokenfamily.user_agent": "shown to its owner in the list of their sessions",
    "members_browsersession.user_agent": "shown to its owner in the list of their sessions",
    "claims_submission.idempotency_key": "the portal's own name of its request, looked for by it; goes after a day",
    "gateway_clients_receivedevent.webhook_id": "the upstream's own name of its event, looked for by it; goes as well",
}
#: The faults by which an answer is drifted, partial or bad, rather than missing.
DRIFTS: Final = ("wrong_type", "unknown_enum", "renamed", "null", "foreign", "garbage", "not_json", "set_cookie")
FAILURES: Final = ("error", "down", "status")
#: Fields of each service that are in answers, so that their canaries came through.
SHOWN: Final = frozenset(
    {"title", "body", "email", "address", "first_name", "phone", "description", "location", "policy_number"}
)
QUERIES: Final = (
    '{ memberDashboard(memberId: "m-1") { name notifications { title body } recentClaims { id providerName } } }',
    '{ memberProfile(memberId: "m-1") { personal { name email phone address } } }',
    "query($q: String) { members(q: $q) { items { name } } }",
    '{ members(q: "%s") { total } }',
    "query %s { me { id } }",
    "{ me { %s: id } }",
    "{ %s }",
    "{ me { id } } # %s",
    '{ claims(claimNumber: "%s") { total } }',
    'mutation { login(email: "%s@example.com", password: "%s") { accessToken } }',
    'mutation { refreshToken(refreshToken: "%s") { accessToken } }',
    'mutation { updateContact(memberId: "m-1", contact: {email: "%s@example.com", address: "%s"}) { id } }',
    'mutation { appealClaim(memberId: "m-1", claimId: "{claim}", reason: "%s") { id } }',
)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        mark_world(sandbox)
        yield sandbox


@pytest.fixture
def served(tmp_path: Path, redis_server: RedisServer, sandbox: Sandbox) -> Iterator[RunningGateway]:
    settings = {"CACHE_ENCRYPTION_KEYS": KEY, "EVENTS_WEBHOOK_SECRET": SECRET, "WORKERS": "1"}
    settings |= {"UPSTREAM_TIMEOUT_SECONDS": "1", "EXPLAIN_SAMPLE": "1", "GRAPHQL_INTROSPECTION": "true"}
    gateway = RunningGateway(tmp_path, redis_url=redis_server.url, upstreams=sandbox.urls, **settings)
    gateway.await_ready()
    yield gateway
    gateway.remove()


@pytest.fixture
def worker(tmp_path: Path, served: RunningGateway, redis_server: RedisServer, sandbox: Sandbox) -> Iterator[Started]:
    started = Started(
        [sys.executable, "manage.py", "run_worker"],
        cwd=ROOT,
        environment=environment(served, sandbox),
        log=tmp_path / "worker.log",
    )
    yield started
    started.remove()


def environment(gateway: RunningGateway, sandbox: Sandbox) -> dict[str, str]:
    return {
        **clean_environment(),
        **sandbox.urls,
        "ENVIRONMENT": "development",
        "DATABASE_URL": f"sqlite:///{gateway.database}",
        "REDIS_URL": gateway.redis_url,
        "CACHE_ENCRYPTION_KEYS": KEY,
    }


class Portal:
    """Asks, and keeps what was answered."""

    def __init__(self, gateway: RunningGateway) -> None:
        self._gateway = gateway
        self.answers: list[Reply] = []

    def ask(self, method: str, path: str, who: str | None, body: bytes | None = None, **headers: str) -> Reply:
        sent = {**self._gateway.headers_of(who), "User-Agent": canary("agent"), "Referer": canary("referer")}
        sent |= {"Cookie": f"a={canary('cookie')}; b={canary('cookie')}", "X-Request-ID": canary("id_with_underscore_")}
        sent |= {"traceparent": canary("trace"), "tracestate": f"a={canary('state')}", "baggage": f"a={canary('bag')}"}
        sent |= {"X-Forwarded-For": canary("address"), "If-None-Match": f'"{canary("etag")}"', "X-Own": canary("own")}
        sent |= {"Accept-Language": canary("language"), "X-Request-Timeout-Ms": canary("timeout")}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self._gateway.ask(method, path, headers=sent, body=body)
        self.answers.append(answer)
        return answer

    def send(self, method: str, path: str, who: str | None, body: object, **headers: str) -> Reply:
        raw = json.dumps(body).encode()
        return self.ask(method, path, who, raw, Content_Type="application/json", **headers)

    def shown(self) -> set[str]:
        """The fields whose canaries stood in answers."""
        return {each for answer in self.answers for each in re.findall(rf"{MARK}-([a-z_]+)-\d", answer.text)}


def existing(gateway: RunningGateway) -> Callable[[str], str]:
    claim = gateway.get("/api/v1/claims/m-1?limit=1").json["claims"][0]
    (document, *_) = gateway.get("/api/v1/members/m-1/documents?limit=1").json["documents"]

    def path_of(path: str) -> str:
        return path.replace("clm-1", claim["id"]).replace("d-1", document["id"]).replace("p-1", claim["provider_id"])

    return path_of


def read_all(portal: Portal, path_of: Callable[[str], str], **headers: str) -> None:
    for address in ADDRESSES:
        if address.method == "get":
            for who in ("member", "provider", "admin"):
                portal.ask("GET", f"/api/v1/{path_of(address.path)}", who, **headers)


def write_all(portal: Portal, path_of: Callable[[str], str]) -> None:
    claim = {
        "member_id": "m-1", "provider_id": "prov-1", "service_date": TODAY, "diagnosis_code": canary("diagnosis")[:16],
        "notes": canary("notes"), "items": [{"benefit_code": "CONS-GP", "amount": 1000, "description": canary("text")}],
    }  # fmt: skip
    portal.send("POST", "/api/v1/claims", "admin", claim, Idempotency_Key=canary("key"))
    portal.send("POST", "/api/v1/claims", "admin", {**claim, canary("unknown"): canary("unknown")})
    portal.send("POST", "/api/v1/claims", "admin", {**claim, "service_date": canary("date"), "member_id": canary("id")})
    portal.send("POST", f"/api/v1/{path_of('claims/m-1/clm-1/cancel')}", "admin", {"reason": canary("cancelled")})
    portal.send("POST", f"/api/v1/{path_of('claims/m-1/clm-1/appeal')}", "admin", {"reason": canary("appeal")})
    contact = {"email": f"{canary('email')}@example.com", "phone": "+62 811", "address": canary("address")}
    portal.send("PATCH", "/api/v1/members/m-1", "member", contact)
    portal.send("PATCH", "/api/v1/members/m-1", "member", {"phone": canary("phone")})
    for name in (canary("file") + ".pdf", f"../{canary('file')}\r\nX: 1", canary("file")):
        upload(portal, name)
    portal.ask("POST", "/api/v1/claims", "admin", f'{{"{MARK}": '.encode(), Content_Type="application/json")
    portal.ask("POST", "/api/v1/claims", "admin", MARK.encode(), Content_Type=canary("type"))


def upload(portal: Portal, name: str) -> None:
    edge = "an-edge-of-a-form"
    parts = (
        f'--{edge}\r\nContent-Disposition: form-data; name="{canary("field")}"\r\n\r\n{canary("value")}\r\n',
        f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: application/pdf\r\n\r\n%PDF-1.4\n{canary('content')}\r\n",
    )
    for body in (parts[1], "".join(parts)):
        raw = f"{body}--{edge}--\r\n".encode()
        portal.ask(
            "POST", "/api/v1/members/m-1/documents", "member", raw, Content_Type=f"multipart/form-data; boundary={edge}"
        )


def try_the_doors(portal: Portal) -> None:
    """Sign-ins, tokens, addresses, searches and operations that say something of somebody."""
    login = {"email": f"{canary('email')}@example.com", "password": canary("password"), "otp": canary("otp")[:10]}
    portal.send("POST", "/api/v1/auth/login", None, login)
    portal.send("POST", "/api/v1/auth/login", None, {"email": ACCOUNTS["member"].email, "password": canary("password")})
    right = {"email": ACCOUNTS["member"].email, "password": ACCOUNTS["member"].password}
    portal.send("POST", "/api/v1/auth/login", None, {**right, "session": "cookie"})
    portal.send("POST", "/api/v1/auth/login", None, right)
    portal.send("POST", "/api/v1/auth/refresh", None, {"refresh_token": canary("token")})
    portal.send("POST", "/api/v1/auth/logout", None, {"refresh_token": canary("token")})
    portal.send(
        "POST", "/api/v1/auth/password", "member", {"current_password": canary("old"), "new_password": canary("new")}
    )
    portal.ask("GET", "/api/v1/auth/me", None, Authorization=f"Bearer {canary('token')}")
    stolen = {"Cookie": f"session={canary('session')}", "X_CSRF": "1", "Origin": canary("origin")}
    portal.ask("GET", "/api/v1/auth/me", None, **stolen)
    for path in (
        canary("path"), f"api/v1/{canary('path')}", f"api/v1/members/{canary('member')}.", f"admin/{canary('staff')}/",
        f"api/v1/members?q={canary('search')}", f"api/v1/providers?q={canary('search')}", f"docs/{canary('page')}",
        f"api/v1/members/m-1?{canary('name')}={canary('value')}", f"api/v1/claims?claim_number={canary('number')}",
        f"api/v1/members/m-1/documents/d-1/content?link={canary('link')}", f"static/{canary('file')}.css",
        f"api/v1/members/{urllib.parse.quote(canary('member') + '/../', safe='')}", f"health/{canary('limit')}",
    ):  # fmt: skip
        for who in ("admin", "member", None):
            portal.ask("GET", f"/{path}", who)
    portal.ask(canary("METHOD").upper().replace("-", ""), "/api/v1/auth/me", "member")
    staff = f"username={canary('email')}@example.com&password={canary('password')}"
    portal.ask("POST", "/admin/login/", None, staff.encode(), Content_Type="application/x-www-form-urlencoded")


def query_all(portal: Portal, path_of: Callable[[str], str]) -> None:
    claim = path_of("clm-1")
    for query in QUERIES:
        asked = query.replace("{claim}", claim)
        while "%s" in asked:
            asked = asked.replace("%s", canary("graphql").replace("-", "_"), 1)
        for who in ("admin", "member", None):
            variables = {"q": canary("variable"), canary("unknown"): canary("variable")}
            portal.send("POST", "/graphql", who, {"query": asked, "variables": variables})
            portal.send("POST", "/graphql", who, {"query": asked, "operationName": canary("operation")})
    portal.ask("GET", f"/graphql?query={urllib.parse.quote(QUERIES[0])}&extensions={canary('extension')}", "admin")


def tell_events(portal: Portal) -> None:
    claim = {"claim_id": "clm-1", "member_id": "m-1", "status": canary("status"), canary("name"): canary("value")}
    for kind, data in (
        ("claim.status.changed", claim),
        (canary("kind"), {"member_id": "m-1"}),
        ("member.updated", {"member_id": canary("member") + "."}),
        ("member.updated", {"member_id": [canary("member")]}),
    ):
        body = body_of(kind, **data)
        signed = headers_of(body, webhook_id=canary("event"))
        portal.ask("POST", "/api/v1/events", None, body, Content_Type="application/json", **signed)
    portal.ask("POST", "/api/v1/events", None, body, webhook_id=canary("event"), webhook_signature=canary("signature"))


def explained(gateway: RunningGateway, sandbox: Sandbox) -> list[str]:
    """All that is explained, opened."""
    program = (
        "import django; django.setup()\n"
        "from gateway_clients.fleet.explanations import *\n"
        "from gateway_clients.encryption import sealer\n"
        "from redis import Redis; import os\n"
        "redis = Redis.from_url(os.environ['REDIS_URL'])\n"
        "for name in redis.scan_iter('*:explained:*'):\n"
        "    if redis.type(name) == b'string' and not name.endswith(b':bytes'):\n"
        "        print(sealer().open(name.decode(), redis.get(name)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**environment(gateway, sandbox), "DJANGO_SETTINGS_MODULE": "bff_project.settings"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["", "api/v1/", "api/v1/members/", "graphql/", "docs/", "health/"])
def test_what_a_stranger_makes_up_is_in_no_line_of_the_log(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    sent = {name: canary("header") for name in ("User-Agent", "Referer", "Cookie", "Accept")}

    for method in ("GET", f"{MARK}".upper()):
        Client().generic(method, f"/{path}{canary('path')}?{canary('name')}={canary('value')}", headers=sent)

    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["method"] for line in lines if '"event":"request"' in line] == ["GET", "OTHER"]
    assert [line for line in lines if is_marked(line)] == []


@pytest.mark.long
@pytest.mark.timeout(300)
def test_nothing_that_was_sent_is_told_or_kept_open(served: RunningGateway, worker: Started, sandbox: Sandbox) -> None:
    portal, path_of = Portal(served), existing(served)
    for _ in range(2):
        read_all(portal, path_of)
    query_all(portal, path_of)
    write_all(portal, path_of)
    sandbox.fault("claims", "lost", operation="submitClaim", times=1)
    write_all(portal, path_of)
    try_the_doors(portal)
    tell_events(portal)
    wait_until(lambda: any(each.operation == "sendNotification" for each in sandbox.ledger("notification")), seconds=20)
    for fault in (*DRIFTS, *FAILURES):
        for service in SERVICES:
            sandbox.fault(service, FaultKind(fault))
        read_all(portal, path_of, Cache_Control="no-cache")
        sandbox.clear()

    told = explained(served, sandbox)
    metrics = served.ask("GET", "/metrics", port=served.metrics_port).body.decode()
    states = {state for each in portal.answers for state in re.findall(rb'"state":"([a-z]+)"', each.body)}
    redis = marked_in_redis(served.redis_url)
    assert served.stop() == 0
    assert worker.stop() == 0

    assert SHOWN - portal.shown() == set()
    assert {b"fresh", b"cached", b"stale", b"unavailable"} - states == set()
    assert [each.text for each in portal.answers if each.status == 500] == []
    assert marked_lines(served.output) == []
    assert marked_lines(worker.output) == []
    assert marked_lines(metrics) == []
    assert len(told) > 10
    assert [line for line in told if is_marked(line)] == []
    assert redis == []
    assert marked_columns(served.database, OPEN_COLUMNS) == {}
