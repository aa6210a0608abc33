"""nginx as it is shipped, before gateways whose every byte a test decides."""

import http.client
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from bff_project.processes.ports import LOOPBACK
from gateway_clients.edge import errors as edge
from gateway_clients.edge.input.uploads import FORM_MAX_BYTES
from gateway_clients.errors import UpstreamTimeoutError
from tests.platform.settings_of import settings_with
from tests.support.calls import Running
from tests.support.certificates import Authority
from tests.support.gateway import Reply
from tests.support.shipped_nginx import SHIPPED, ShippedNginx
from tests.support.tcp import established
from tests.support.upstream import Asked, RawUpstream, Wire, hangs, resets
from tests.support.waiting import wait_until

OTHER: Final = "127.0.0.2"
DOCUMENTS: Final = "/api/v1/members/m-1/documents"
CONTENT: Final = f"{DOCUMENTS}/d-1/content"
OWN_ID: Final = re.compile(r"[0-9a-f]{32}\Z")
CONNECTIONS: Final = 512
Before = Callable[..., ShippedNginx]


@pytest.fixture
def before(tmp_path: Path) -> Iterator[Before]:
    """Starts nginx before gateways, for the time of a test."""
    with ExitStack() as stack:
        yield lambda *gateways, **given: stack.enter_context(
            ShippedNginx(tmp_path, [gateway.port for gateway in gateways], **given)
        )


@pytest.fixture
def gateways() -> Iterator[list[RawUpstream]]:
    """Two gateways that say ok."""
    made = [RawUpstream(ok), RawUpstream(ok)]
    yield made
    for each in made:
        each.refuse()


def ok(wire: Wire, _: Asked) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    wire.close()


def asked(
    nginx: ShippedNginx,
    path: str = "/api/v1/dashboard/m-1",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    source: str = LOOPBACK,
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """One request on a connection of its own, from this address."""
    kind = http.client.HTTPConnection if tls is None else http.client.HTTPSConnection
    given = {} if tls is None else {"context": tls}
    connection = kind(LOOPBACK, nginx.port, timeout=20, source_address=(source, 0), **given)  # type: ignore[arg-type]
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, answer.read(), 0.0)
    finally:
        connection.close()


def connected(nginx: ShippedNginx, source: str = LOOPBACK) -> socket.socket:
    return socket.create_connection((LOOPBACK, nginx.port), timeout=20, source_address=(source, 0))


def test_the_shipped_files_are_taken_without_a_warning(tmp_path: Path) -> None:
    said = ShippedNginx(tmp_path, [1]).check()
    assert "syntax is ok" in said
    assert [line for line in said.splitlines() if "[warn]" in line and "user" not in line] == []


def assert_problem(reply: Reply, status: int, code: str, request_id: str | None = None) -> None:
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    document = reply.json
    assert (document["status"], document["code"], document["type"]) == (status, code, f"/docs/errors#{code}")
    assert document["title"] == document["detail"]
    assert document["request_id"] == reply.headers["x-request-id"]
    assert document["request_id"] == request_id if request_id else OWN_ID.match(document["request_id"])
    assert reply.headers["cache-control"] == "private, no-store"


def test_no_gateway_is_a_problem_with_the_portals_request_id(before: Before, gateways: list[RawUpstream]) -> None:
    nginx = before(*gateways)
    for gateway in gateways:
        gateway.refuse()

    reply = asked(nginx, headers={"X-Request-ID": "portal-0001"})
    assert_problem(reply, 502, "upstream_unavailable", "portal-0001")
    assert reply.headers["retry-after"] == "1"


@pytest.mark.parametrize("given", ["", "short", 'a"bcdefgh', "x" * 65])
def test_a_request_id_that_is_none_is_replaced(before: Before, gateways: list[RawUpstream], given: str) -> None:
    gateways[0].refuse()
    nginx = before(gateways[0])
    assert_problem(asked(nginx, headers={"X-Request-ID": given}), 502, "upstream_unavailable")


def test_the_gateway_gets_the_request_id_that_nginx_would_tell(before: Before, gateways: list[RawUpstream]) -> None:
    nginx = before(gateways[0])
    asked(nginx)
    asked(nginx, headers={"X-Request-ID": "portal-0001"})

    made, passed_on = [request.headers["x-request-id"] for request in gateways[0].asked]
    assert OWN_ID.match(made)
    assert passed_on == "portal-0001"


def test_too_large_a_body_is_a_problem_and_a_document_may_be_larger(
    before: Before, gateways: list[RawUpstream]
) -> None:
    nginx = before(gateways[0])
    body = b"x" * 1_200_000

    assert_problem(asked(nginx, "/api/v1/claims", method="POST", body=body), 413, "too_large")
    assert gateways[0].count == 0
    assert asked(nginx, DOCUMENTS, method="POST", body=body).status == 200


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/" + "x" * 20_000, {}, 414), ("/", {"X-Long": "x" * 20_000}, 431)],
)
def test_too_large_a_head_is_a_problem(
    before: Before, gateways: list[RawUpstream], path: str, headers: dict[str, str], status: int
) -> None:
    assert_problem(asked(before(gateways[0]), path, headers=headers), status, "bad_user_input")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_gateway_that_says_nothing_is_a_problem(before: Before, gateways: list[RawUpstream], method: str) -> None:
    gateways[0].say(hangs)
    nginx = before(gateways[0], changes={"proxy_read_timeout 30s": "proxy_read_timeout 1s"})
    assert_problem(asked(nginx, method=method), 504, "upstream_timeout")


def test_the_gateways_own_errors_pass_as_they_are(before: Before, gateways: list[RawUpstream]) -> None:
    def refuse(wire: Wire, _: Asked) -> None:
        wire.send(b"HTTP/1.1 503 Service Unavailable\r\nX-Request-ID: own\r\nContent-Length: 7\r\n\r\nits own")
        wire.close()

    gateways[0].say(refuse)
    reply = asked(before(gateways[0]))
    assert (reply.status, reply.body, reply.headers["x-request-id"]) == (503, b"its own", "own")


def test_what_nginx_says_is_what_the_gateway_says() -> None:
    known: list[type[edge.ApiError] | type[UpstreamTimeoutError]] = [
        edge.ApiError,
        edge.UnauthenticatedError,
        edge.AccessDeniedError,
        edge.NotFoundError,
        edge.MethodNotAllowedError,
        edge.TooLargeError,
        edge.UnsupportedMediaTypeError,
        edge.RateLimitedError,
        edge.OverloadedError,
        UpstreamTimeoutError,
    ]
    maps = (SHIPPED / "problems.conf").read_text()
    codes = dict(re.findall(r"^    (\d{3}) ([a-z_]+);$", maps, re.MULTILINE))
    titles = dict(re.findall(r'^    (\d{3}) "(.+)";$', maps, re.MULTILINE))
    for error in known:
        assert (codes[str(error.status)], titles[str(error.status)]) == (error.code, error.title)


def test_a_replica_that_came_back_is_asked_at_once_when_the_next_one_leaves(
    before: Before, gateways: list[RawUpstream]
) -> None:
    first, second = gateways
    nginx = before(first, second)
    first.refuse()
    assert {asked(nginx).status for _ in range(6)} == {200}
    first.listen()
    second.refuse()

    assert {asked(nginx, method=method).status for _ in range(3) for method in ("GET", "POST")} == {200}
    assert first.count == 6


def test_a_read_that_was_cut_off_is_asked_of_the_other_and_a_write_is_not_repeated(
    before: Before, gateways: list[RawUpstream]
) -> None:
    for gateway in gateways:
        gateway.say(resets)
    nginx = before(*gateways)

    assert_problem(asked(nginx), 502, "upstream_unavailable")
    assert [gateway.count for gateway in gateways] == [1, 1]
    assert_problem(asked(nginx, "/api/v1/claims", method="POST", body=b"{}"), 502, "upstream_unavailable")
    assert sum(gateway.count for gateway in gateways) == 3

    gateways[1].say(ok)
    assert {asked(nginx).status for _ in range(4)} == {200}


def test_the_gateway_sees_the_real_address_and_what_was_claimed_stands_left_of_it(
    before: Before, gateways: list[RawUpstream]
) -> None:
    asked(before(gateways[0]), headers={"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "https"}, source=OTHER)

    (request,) = gateways[0].asked
    assert request.headers["x-forwarded-for"] == f"9.9.9.9, {OTHER}"
    assert request.headers["x-forwarded-proto"] == "http"


def test_behind_a_balancer_the_address_and_the_scheme_are_what_it_says(
    before: Before, gateways: list[RawUpstream]
) -> None:
    files = {name: suggested(name) for name in ("real_ip.conf", "balanced.conf")}
    nginx = before(gateways[0], files=files)
    asked(nginx, headers={"X-Forwarded-For": "9.9.9.9, 8.8.8.8", "X-Forwarded-Proto": "https"})

    (request,) = gateways[0].asked
    assert request.headers["x-forwarded-for"].split(", ")[-1] == "8.8.8.8"
    assert request.headers["x-forwarded-proto"] == "https"


def suggested(name: str) -> str:
    """What the comments of a file suggest instead of it."""
    return "\n".join(re.findall(r"^#   (.+)$", (SHIPPED / name).read_text(), re.MULTILINE))


def test_strict_transport_security_is_told_over_tls_alone(
    before: Before, gateways: list[RawUpstream], tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "tls")
    own = suggested("web.conf").replace("http2 on; http2_max_concurrent_streams 64;", "")
    own = own.replace("/etc/nginx/tls/tls.crt", str(authority.certificate))
    own = own.replace("/etc/nginx/tls/tls.key", str(authority.key))
    context = ssl.create_default_context(cafile=str(authority.bundle))
    over_tls = before(gateways[0], files={"web.conf": own})

    answered = asked(over_tls, tls=context)
    assert answered.headers["strict-transport-security"] == "max-age=31536000"
    assert gateways[0].asked[0].headers["x-forwarded-proto"] == "https"
    gateways[0].refuse()
    assert asked(over_tls, tls=context).headers["strict-transport-security"] == "max-age=31536000"
    gateways[1].say(ok)
    assert "strict-transport-security" not in asked(before(gateways[1])).headers


def test_idle_connections_are_limited_by_address_and_cost_the_others_nothing(
    before: Before, gateways: list[RawUpstream]
) -> None:
    nginx = before(gateways[0])
    with ExitStack() as stack:
        idle = [stack.enter_context(connected(nginx)) for _ in range(CONNECTIONS + 60)]
        for each in idle:
            each.setblocking(False)
        wait_until(lambda: sum(map(is_closed, idle)) >= 60, seconds=8)
        assert asked(nginx, source=OTHER).status == 200
        assert sum(map(is_closed, idle)) == 60


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has ended it."""
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_a_head_that_drips_has_a_time_for_all_of_it(before: Before, gateways: list[RawUpstream]) -> None:
    nginx = before(gateways[0], changes={"client_header_timeout 10s": "client_header_timeout 1s"})
    with connected(nginx) as dripping:
        dripping.settimeout(0.1)
        dripping.sendall(b"GET / HTTP/1.1\r\n")

        def has_ended() -> bool:
            try:
                dripping.sendall(b"X: y\r\n")
                return dripping.recv(100) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        wait_until(has_ended, seconds=10)
    assert gateways[0].count == 0


def test_a_body_that_stops_is_given_up_and_the_gateway_never_asked(before: Before, gateways: list[RawUpstream]) -> None:
    nginx = before(gateways[0], changes={"client_body_timeout 10s": "client_body_timeout 1s"})
    with connected(nginx) as stopped:
        stopped.sendall(head("POST", "/api/v1/claims", 100) + b"x")
        wait_until(lambda: is_closed_now(stopped), seconds=10)
    assert gateways[0].count == 0


def is_closed_now(connection: socket.socket) -> bool:
    connection.setblocking(False)
    return is_closed(connection)


def head(method: str, path: str, length: int) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()


def test_an_upload_is_passed_on_as_it_comes_and_any_other_body_when_it_is_there(
    before: Before, gateways: list[RawUpstream]
) -> None:
    streaming, waiting = gateways
    nginx, other = before(streaming), before(waiting)
    with connected(other) as whole, connected(nginx) as pieces:
        whole.sendall(head("POST", "/api/v1/claims", 100_000) + b"x" * 90_000)
        pieces.sendall(head("POST", DOCUMENTS, 100_000) + b"x" * 90_000)

        wait_until(lambda: established(streaming.port) == 1)
        assert established(waiting.port) == 0
        for each in (whole, pieces):
            each.sendall(b"x" * 10_000)
            assert each.recv(100).startswith(b"HTTP/1.1 200")


def test_a_download_is_passed_on_as_it_comes_and_one_address_has_few(
    before: Before, gateways: list[RawUpstream]
) -> None:
    is_over = threading.Event()

    def drip(wire: Wire, _: Asked) -> None:
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
        is_over.wait(20)
        wire.send(b"b")
        wire.close()

    gateways[0].say(drip)
    nginx = before(gateways[0])
    with ExitStack() as stack:
        downloads = [stack.enter_context(connected(nginx)) for _ in range(8)]
        for each in downloads:
            each.sendall(head("GET", CONTENT, 0))
        for each in downloads:
            received = b""
            while not received.endswith(b"\r\n\r\na"):
                received += each.recv(1_000)

        refused = asked(nginx, CONTENT)
        assert_problem(refused, 429, "rate_limited")
        assert refused.headers["retry-after"] == "1"
        another = Running(lambda: asked(nginx, CONTENT, source=OTHER))
        wait_until(lambda: gateways[0].count == 9)
        is_over.set()
        assert another.wait().result.body == b"ab"
        assert [each.recv(10) for each in downloads] == [b"b"] * 8


def test_an_encoded_slash_is_no_address_and_a_query_may_have_one(before: Before, gateways: list[RawUpstream]) -> None:
    nginx = before(gateways[0])
    asked(nginx, "/api/v1/members/m-1%2Fdocuments")
    asked(nginx, "/api/v1/claims?search=a%2Fb")
    assert [request.target for request in gateways[0].asked] == ["/encoded-slash", "/api/v1/claims?search=a%2Fb"]
    gateways[0].refuse()
    assert_problem(asked(nginx, "/api/v1/members/m-1%2Fdocuments"), 502, "upstream_unavailable")


def test_sizes_fit_the_gateways() -> None:
    settings, _ = settings_with({})
    shipped = (SHIPPED / "nginx.conf").read_text()
    small, documents = (int(size) << 20 for size in re.findall(r"client_max_body_size (\d+)m;", shipped))

    assert settings["REQUEST_MAX_BYTES"] <= small < 2 * settings["REQUEST_MAX_BYTES"]
    assert documents >= settings["UPLOAD_MAX_BYTES"] + FORM_MAX_BYTES
    short, *streams = (int(seconds) for seconds in re.findall(r"proxy_read_timeout (\d+)s;", shipped))
    assert short > settings["SUBMIT_BUDGET_SECONDS"]
    assert all(seconds > settings["STREAM_BUDGET_SECONDS"] for seconds in streams)
