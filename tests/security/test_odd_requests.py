"""Paths, heads and cookies that are written to be taken for others: nobody is shown what is somebody else's, or 500."""

import json
import re
import socket
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress

import pytest

from bff_project.processes.ports import LOOPBACK
from sandbox.testing import Sandbox
from tests.security.canaries import MARK, is_marked, mark_world, marked_lines
from tests.support.gateway import ACCOUNTS, RunningGateway
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

#: Addresses of member m-2, whose every text is a canary, as member m-1, a provider or nobody might write them.
PATHS = (
    "/api/v1/members/m-2", "/api/v1/members/m-1/../m-2", "/api/v1/members/m-1/%2e%2e/m-2",
    "/api/v1/members/m-1/..%2fm-2", "/api/v1/members%2Fm-2",
    "/api/v1/members/m-1%2f..%2fm-2", "/api/v1/members/m-1/%252e%252e/m-2", "/api/v1/members/m-1/.../m-2",
    "/api/v1/members//m-2", "//api/v1/members/m-2", "/api/v1//members/m-2", "/api/v1/members/./m-2",
    "/api/v1/members/m-2;m-1", "/api/v1/members/m-1;/m-2", "/api/v1/members;x=y/m-2", f"/api/v1/members/m-2;{MARK}",
    "/api/v1/members/m-2%00", "/api/v1/members/m-1%00m-2", "/api/v1/members/m-2%00.css", "/api/v1/members/m-2%0a",
    "/api/v1/members/m-2%0d%0aX-A:%20b", "/api/v1/members/m-2.", "/api/v1/members/m-2/", "/api/v1/members/m-2/.",
    "/api/v1/members/m-2%20", "/api/v1/members/%20m-2", "/api/v1/members/m-2%09", "/api/v1/members/M-2",
    "/API/v1/members/m-2", "/api/V1/members/m-2", "/api/v1/members/%6d-2", "/api/v1/members/m%2d2",
    "/api/v1/members/m-1/%c0%ae%c0%ae/m-2", "/api/v1/members/m-1/%c0%2e%c0%2e/m-2", "/api/v1/members/m-2%ff",
    "/api/v1/members/m-1%c0%afm-2", "/api/v1/members/%ef%bd%8d-2", "/api/v1/members/m-%EF%BC%92",
    "/api/v1/members/m%E2%80%902",
    "/api/v1/members\\m-2", "/api/v1/members/m-1\\..\\m-2", "/api/v1/members/m-1/..%5cm-2", "/api/v1/members/m-2#m-1",
    "/api/v1/members/m-1?member_id=m-2", "/api/v1/members/m-2?member_id=m-1",
    "/api/v1/claims?member_id=m-1&member_id=m-2",
    "/api/v1/claims?member_id[]=m-2", "/api/v1/claims?member_id=m-1,m-2", "/api/v1/claims?member_id=m-1%00m-2",
    "/api/v1/dashboard/m-2?sections=member", "/api/v1/dashboard/m-2.json", "/api/v1/dashboard/m-2/..;/m-1",
    "/health/../api/v1/members/m-2", "/static/../api/v1/members/m-2", "/docs/%2e%2e/api/v1/members/m-2",
    "/api/v1/auth/login/../../members/m-2", "/api/v1/events/../members/m-2", "http://localhost/api/v1/members/m-2",
    "http://localhost/health/../api/v1/members/m-2", "https://attacker.example/api/v1/members/m-2",
    "api/v1/members/m-2",
    "*", "/", "/%", "/%zz", "/api/v1/members/%", f"/{MARK}/%00", f"/api/v1/members/{'m' * 5000}",
)  # fmt: skip
OWN = "/api/v1/members/m-1/coverage"
OTHERS = "/api/v1/members/m-2/coverage"
SMUGGLED = f"GET {OTHERS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n"
#: Whoever says nothing for so long waits for more of the request.
SILENT_SECONDS = 1.0
#: Lines of a head beside `Host`; %s is the token of member m-1.
HEADS: dict[str, Sequence[str]] = {
    "a token twice": ("Authorization: Bearer %s", "Authorization: Bearer other"),
    "a token behind another": ("Authorization: Bearer other", "Authorization: Bearer %s"),
    "a blank before the colon": ("Authorization : Bearer %s",),
    "a folded line": ("Authorization: Bearer", " %s"),
    "a folded first line": (" Authorization: Bearer %s",),
    "an underscore": ("X_Forwarded_For: 10.0.0.1", "X-Forwarded-For: 10.0.0.2", "Authorization: Bearer %s"),
    "a name of WSGI's": ("Remote_Addr: 10.0.0.1", "HTTP_AUTHORIZATION: Bearer %s"),
    "another address": (f"X-Original-URL: {OTHERS}", f"X-Rewrite-URL: {OTHERS}", "Authorization: Bearer %s"),
    "a script": (
        f"SCRIPT_NAME: {OTHERS}",
        f"Path-Info: {OTHERS}",
        f"X-Script-Name: {OTHERS}",
        "Authorization: Bearer %s",
    ),
    "another method": ("X-HTTP-Method-Override: DELETE", "Authorization: Bearer %s"),
    "another member": ("X-Member-Id: m-2", "X-User: m-2", "Authorization: Bearer %s"),
    "two hosts": ("Host: attacker.example", "Authorization: Bearer %s"),
    "another host": (
        "X-Forwarded-Host: attacker.example",
        "Forwarded: host=attacker.example",
        "Authorization: Bearer %s",
    ),
    "a null byte": ("X-A: a\0b", "Authorization: Bearer %s"),
    "letters beyond ASCII": ("X-A: é", "Authorization: Bearer é%s"),
    "a carriage return": ("X-A: a\rAuthorization: Bearer %s",),
    "no name": (": a", "Authorization: Bearer %s"),
    "no colon": ("Authorization",),
    "a huge head": (f"X-A: {'a' * 70_000}", "Authorization: Bearer %s"),
    "many lines": (*(f"X-{number}: a" for number in range(500)), "Authorization: Bearer %s"),
    "a huge length": ("Content-Length: 99999999999999999999", "Authorization: Bearer %s"),
    "a negative length": ("Content-Length: -1", "Authorization: Bearer %s"),
    "a signed length": ("Content-Length: +3", "Authorization: Bearer %s"),
    "two lengths": ("Content-Length: 0", "Content-Length: 300", "Authorization: Bearer %s"),
    "length and chunks": ("Content-Length: 5", "Transfer-Encoding: chunked", "Authorization: Bearer %s"),
    "chunks twice": ("Transfer-Encoding: chunked", "Transfer-Encoding: identity", "Authorization: Bearer %s"),
    "chunks by another name": ("Transfer-Encoding: xchunked", "Authorization: Bearer %s"),
    "chunks with a tab": ("Transfer-Encoding:\tchunked\x0b", "Authorization: Bearer %s"),
    "upgrade": ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: a", "Authorization: Bearer %s"),
    "what expects": ("Expect: 100-continue", "Content-Length: 3", "Authorization: Bearer %s"),
    "a token that is dropped on the way": ("Connection: close, Authorization", "Authorization: Bearer %s"),
}
#: The server waits for chunks that do not come, and then ends the connection.
UNANSWERED = ["length and chunks 0, by POST"]
#: `%s` is the secret of member m-1's session.
COOKIES = (
    "session=%s", "session=other; session=%s", "session=%s; session=other", 'session="%s"', "session= %s ",
    "session=%s;",
    "Session=%s", "__Host-session=%s", "__Host-session=other; session=%s", "__Secure-session=%s", "=session=%s",
    "session==%s", "session=%s; session", '$Version=1; session="%s"; $Path=/', "session=é%s", "a=é; session=%s",
    "session=%s\0", "session=%%00%s", 'a="b; session=%s"', "session=%s,session=other", f"session={'a' * 9000}",
    "session=", "session", ";;;=;", "session=%s; sessionid=%s; csrftoken=a", "device=other; session=%s",
)  # fmt: skip


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer) -> Iterator[RunningGateway]:
    with Sandbox() as sandbox:
        mark_world(sandbox)
        gateway = RunningGateway(tmp_path_factory.mktemp("odd"), redis_url=redis_server.url, upstreams=sandbox.urls)
        gateway.await_ready()
        yield gateway
        gateway.remove()


def said(gateway: RunningGateway, raw: bytes) -> bytes:
    """All that comes on a connection on which this was sent, until it ends or is silent for a second."""
    answer = b""
    with socket.create_connection((LOOPBACK, gateway.port), timeout=20) as connection, suppress(OSError):
        connection.sendall(raw)
        connection.settimeout(SILENT_SECONDS)
        while part := connection.recv(65536):
            answer += part
    return answer


def statuses(answer: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"(?m)^HTTP/1\.[01] (\d{3})", answer)]


def unanswered(answers: dict[str, bytes]) -> list[str]:
    """Those whose connection was ended, or left silent, without an answer."""
    return [name for name, answer in answers.items() if not statuses(answer)]


def head_of(target: str, *lines: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode("utf-8")


def trouble(answers: dict[str, bytes], shown: str | None = None) -> list[tuple[str, list[int]]]:
    """What ended in 5xx, or shows a text of somebody else's than `shown`."""
    return [
        (name, statuses(answer))
        for name, answer in answers.items()
        if any(status >= 500 for status in statuses(answer))
        or b'"m-2"' in answer
        or (shown is None and is_shown(answer))
    ]


def is_shown(answer: bytes) -> bool:
    """Whether a text of a member's data stands in a good answer."""
    return statuses(answer)[:1] == [200] and is_marked(answer)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("who", ["member", "provider", None])
def test_no_way_to_write_a_path_leads_to_somebody_else(served: RunningGateway, who: str | None) -> None:
    token = () if who is None else (f"Authorization: Bearer {served.token(who)}",)

    answers = {path: said(served, head_of(path, "Connection: close", *token)) for path in PATHS}

    assert unanswered(answers) == []
    assert [path for path, answer in answers.items() if statuses(answer)[0] == 200] == ["/"]
    assert trouble(answers, shown="m-1" if who == "member" else None) == []
    assert marked_lines(served.output) == []


@pytest.mark.long
def test_a_slash_that_the_server_decodes_ends_its_segment_by_the_rules_of_that_address(served: RunningGateway) -> None:
    encoded_own, encoded_others = OWN.replace("m-1/", "m-1%2F"), OTHERS.replace("m-2/", "m-2%2f")

    plain, encoded = (served.get(path, as_="member").json for path in (OWN, encoded_own))
    assert encoded["coverage"] == plain["coverage"] != {}
    assert [served.get(encoded_others, as_=who).status for who in ("member", None)] == [403, 401]
    with closing(sqlite3.connect(served.database)) as database:
        refused = "SELECT member_id FROM gateway_clients_auditentry WHERE outcome = 'denied'"
        wait_until(lambda: database.execute(refused).fetchall() == [("m-2",)])


@pytest.mark.long
@pytest.mark.timeout(300)
def test_no_head_leads_to_somebody_else(served: RunningGateway) -> None:
    token = served.token("member")
    smuggled = (SMUGGLED % token).encode()

    answers = {}
    for name, lines in HEADS.items():
        for behind in (b"", b"0\r\n\r\n" + smuggled, smuggled):
            head = head_of(OWN, "Connection: close", *(line.replace("%s", token) for line in lines))
            answers[f"{name} {len(behind)}"] = said(served, head + behind)
            answers[f"{name} {len(behind)}, by POST"] = said(served, head.replace(b"GET", b"POST", 1) + behind)
    bare = head_of(OWN, f"Authorization: Bearer {token}")
    answers["bare line feeds"] = said(served, bare.replace(b"\r\n", b"\n"))
    answers["HTTP/0.9"] = said(served, f"GET {OTHERS}\r\n\r\n".encode())
    answers["HTTP/1.0 without a host"] = said(served, f"GET {OTHERS} HTTP/1.0\r\n\r\n".encode())
    answers["a version of its own"] = said(served, bare.replace(b"HTTP/1.1", b"HTTP/3.7"))
    answers["a blank in the target"] = said(served, bare.replace(OWN.encode(), OWN.encode() + b" " + OTHERS.encode()))

    assert unanswered(answers) == UNANSWERED
    assert trouble(answers, shown="m-1") == []
    assert served.get(OWN, as_="member").status == 200


@pytest.mark.long
@pytest.mark.timeout(300)
def test_no_cookie_is_taken_for_another(served: RunningGateway) -> None:
    account = ACCOUNTS["member"]
    body = json.dumps({"email": account.email, "password": account.password, "session": "cookie"})
    lines = ("Content-Type: application/json", f"Content-Length: {len(body)}", "X-CSRF: 1", "Connection: close")
    begun = said(served, head_of("/api/v1/auth/login", *lines, method="POST") + body.encode())
    found = re.search(rb"(?mi)^set-cookie: *session=([^;]+)", begun)
    assert found is not None, begun.decode()
    secret = found[1].decode()
    named = {cookie: cookie.replace("%s", secret).replace("%%", "%") for cookie in COOKIES}

    for target in (OWN, OTHERS):
        answers = {
            cookie: said(served, head_of(target, "X-CSRF: 1", "Connection: close", f"Cookie: {sent}"))
            for cookie, sent in named.items()
        }
        assert statuses(answers["session=%s"]) == [200 if target == OWN else 403]
        assert unanswered(answers) == []
        assert trouble(answers, shown="m-1" if target == OWN else None) == []
        if target == OTHERS:
            assert {status for answer in answers.values() for status in statuses(answer)} <= {400, 401, 403, 431}
    without = said(served, head_of(OWN, "Connection: close", f"Cookie: session={secret}"))
    assert statuses(without) == [403]
    bearer = f"Authorization: Bearer {served.token('member')}"
    both = head_of(OWN, "X-CSRF: 1", "Connection: close", f"Cookie: session={secret}", bearer)
    assert statuses(said(served, both)) == [400]
    assert [line for line in served.output.splitlines() if secret in line] == []
