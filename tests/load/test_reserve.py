"""What still answers when all reads of a worker are stuck, and when clients withhold what they announced."""

import json
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from bff_project.processes.ports import LOOPBACK
from bff_project.processes.request_heads import HEAD_BYTES
from sandbox.testing import Sandbox
from tests.load.conftest import Start
from tests.support.calls import Running
from tests.support.gateway import Reply, RunningGateway
from tests.support.pauses import pauses
from tests.support.upstream import RawUpstream, hangs
from tests.support.waiting import wait_until
from tests.writes.portal import a_claim

pytestmark = pytest.mark.alone

AT_ONCE_SECONDS: Final = 0.1
THREADS: Final = 32
STUCK: Final = 64
NO_REDIS: Final = "redis://127.0.0.1:1/0"
#: Reads stay stuck for longer than the test lasts, and nothing but threads limits them.
STUCK_READS: Final = {
    "WORKERS": "1",
    "THREADS": str(THREADS),
    "ADMISSION_LIMIT": "1000",
    "BULKHEAD_LIMIT": "1000",
    "READ_BUDGET_SECONDS": "20",
    "UPSTREAM_TIMEOUT_SECONDS": "20",
    "CLAIMS_UPSTREAM_TIMEOUT_SECONDS": "2",
}


def sign_in(gateway: RunningGateway) -> Reply:
    return gateway.sign_in("admin")


def live(gateway: RunningGateway) -> Reply:
    return gateway.ask("GET", "/health/live")


def assert_probes_are_answered_at_once(gateway: RunningGateway) -> None:
    with pauses() as own:
        probes = [live(gateway) for _ in range(20)]
    assert {probe.status for probe in probes} == {200}
    assert max(probe.seconds for probe in probes) < AT_ONCE_SECONDS + own.longest_seconds


def submit(gateway: RunningGateway, key: str) -> Reply:
    headers = {**gateway.headers_of("admin"), "Content-Type": "application/json", "Idempotency-Key": key}
    return gateway.ask("POST", "/api/v1/claims", headers=headers, body=json.dumps(a_claim()).encode())


@pytest.fixture
def hanging() -> Iterator[RawUpstream]:
    upstream = RawUpstream(hangs)
    yield upstream
    upstream.refuse()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """One worker for the tests that leave it as it was."""
    secret = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ="
    with Sandbox() as sandbox:
        gateway = RunningGateway(
            tmp_path_factory.mktemp("shared"),
            redis_url=NO_REDIS,
            upstreams=sandbox.urls,
            WORKERS="1",
            EVENTS_WEBHOOK_SECRET=secret,
        )
        gateway.await_ready()
        gateway.token("admin")
        yield gateway
        gateway.remove()


def test_reads_that_are_all_stuck_stop_neither_writes_nor_sign_in_nor_probes_nor_staff(
    start: Start, hanging: RawUpstream
) -> None:
    gateway = start(PAYMENT_SERVICE_URL=hanging.url, **STUCK_READS)
    gateway.token("admin")
    reads = [
        Running(lambda number=number: gateway.get(f"/api/v1/members/m-{number}/payments"))
        for number in range(1, STUCK + 1)
    ]
    wait_until(lambda: hanging.count >= THREADS // 2, seconds=10)
    wait_until(lambda: sum(read.is_over for read in reads) == STUCK - THREADS * 3 // 4, seconds=10)

    assert_probes_are_answered_at_once(gateway)
    answers = [sign_in(gateway), submit(gateway, "stuck-reads-1"), gateway.ask("GET", "/admin/login/")]
    shed = gateway.get("/api/v1/members/m-99/payments")

    assert gateway.ask("GET", "/health/ready").status == 200
    assert [answer.status for answer in answers] == [200, 201, 200]
    assert (shed.status, shed.code, shed.headers["retry-after"]) == (503, "overloaded", "1")
    assert shed.seconds < AT_ONCE_SECONDS
    hanging.refuse()


@contextmanager
def connections(gateway: RunningGateway, count: int, head: bytes) -> Iterator[list[socket.socket]]:
    """So many connections that have each said no more than this."""
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            opened.append(socket.create_connection((LOOPBACK, gateway.port), timeout=20))
            opened[-1].sendall(head)
        yield opened
    finally:
        for each in opened:
            each.close()


def is_let_go(connection: socket.socket) -> bool:
    """Whether the gateway has answered it or closed it."""
    connection.setblocking(False)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@pytest.mark.parametrize("path", ["/api/v1/auth/login", "/graphql", "/api/v1/events", "/admin/login/"])
def test_clients_that_withhold_what_they_announced_stop_nobody(shared: RunningGateway, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{{"
    with connections(shared, 70, head.encode()) as withholding:
        wait_until(lambda: sum(is_let_go(each) for each in withholding) >= 70 - THREADS, seconds=10)
        assert_probes_are_answered_at_once(shared)
        read = shared.get("/api/v1/members/m-1/coverage")
        wait_until(lambda: sign_in(shared).status == 200, seconds=3)

    assert read.status == 200
    assert sign_in(shared).status == 200


@pytest.mark.long
@pytest.mark.parametrize("path", ["/api/v1/auth/login", "/graphql"])
def test_who_withholds_what_was_announced_is_let_go(shared: RunningGateway, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n{{".encode()
    with connections(shared, 10, head) as withholding:
        wait_until(lambda: all(is_let_go(each) for each in withholding), seconds=15)


@pytest.mark.long
def test_a_body_that_comes_a_byte_at_a_time_has_a_limit_as_a_whole(shared: RunningGateway) -> None:
    head = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n"
    with connections(shared, 1, head) as (dripping,):
        dripping.setblocking(True)

        def drip() -> bool:
            try:
                dripping.sendall(b" ")
            except OSError:
                return True
            return False

        wait_until(drip, seconds=15)


def test_more_idle_connections_than_a_worker_may_have_stop_nobody(shared: RunningGateway) -> None:
    wanted = 4_600
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < wanted + 1_000:
        pytest.skip("this machine lets a process have too few files open")
    with connections(shared, wanted, b"") as idle:
        wait_until(lambda: any(is_let_go(each) for each in idle), seconds=10)
        assert_probes_are_answered_at_once(shared)
        read = shared.get("/api/v1/members/m-1/coverage")
        signed_in = sign_in(shared)

    assert (read.status, signed_in.status) == (200, 200)


@pytest.mark.parametrize(("size", "status"), [(HEAD_BYTES - 1000, 200), (HEAD_BYTES + 1000, 431), (300_000, 431)])
def test_a_head_has_sixteen_kilobytes_at_most(shared: RunningGateway, size: int, status: int) -> None:
    headers = {"Accept": "application/json," + "a" * size, "Content-Type": "application/json"}

    def ask() -> int:
        try:
            return shared.ask("GET", "/health/live", headers=headers).status
        except OSError:
            return 431  # it was closed before all of the head was sent

    assert ask() == status


@pytest.mark.parametrize("path", ["/health/live", "/api/v1/dashboard/m-1", "/graphql", "/admin/"])
def test_a_head_that_is_too_large_is_told_by_a_problem(shared: RunningGateway, path: str) -> None:
    parts = {f"X-Part-{number}": "a" * 1_000 for number in range(18)}
    answer = shared.ask("GET", path, headers={**parts, "X-Request-ID": "request-of-a-portal"})

    assert (answer.status, answer.headers["content-type"]) == (431, "application/problem+json")
    problem = json.loads(answer.body)
    assert (problem["status"], problem["code"]) == (431, "bad_user_input")
    assert problem["request_id"] == answer.headers["x-request-id"] == "request-of-a-portal"
    wait_until(lambda: '"event":"head.too_large"' in shared.output)


@pytest.mark.long
def test_a_head_that_does_not_come_ends_its_connection(shared: RunningGateway) -> None:
    with connections(shared, 1, b"GET / HTTP/1.1\r\nHost: lo") as (slow,):
        wait_until(lambda: is_let_go(slow), seconds=12)


def test_what_the_server_empties_is_not_taken_for_nothing(shared: RunningGateway) -> None:

    def statuses_of(path: str, header: str) -> int:
        with connections(shared, 1, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n".encode()) as (asked,):
            return int(asked.recv(65_536).split()[1])

    assert statuses_of("/graphql?query={__typename}", "Authorization: Bearer \u00e9") == 401
    assert statuses_of("/api/v1/auth/me", "Authorization: Bearer \u00e9") == 401
    assert statuses_of("/admin/", "Cookie: sessionid=x; a=\u00e9") == 400
    assert statuses_of("/admin/", "Cookie: sessionid=x") == 302


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
@pytest.mark.parametrize("start_line", ["HTTP/1.0\r\n", "HTTP/1.1\r\nHost: 10.42.8.201:4000\r\nConnection: close\r\n"])
def test_probes_are_answered_over_any_http_and_whatever_host_they_name(
    shared: RunningGateway, path: str, start_line: str
) -> None:
    with connections(shared, 1, f"GET {path} {start_line}\r\n".encode()) as (asked,):
        assert asked.recv(65_536).split()[1] == b"200"


@pytest.mark.parametrize("path", ["/api/v1/auth/login", "/graphql"])
def test_a_body_in_chunks_is_read(shared: RunningGateway, path: str) -> None:
    account = {"email": "nobody@example.com", "password": "wrong"}
    body = json.dumps(account if path != "/graphql" else {"query": "{ __typename }"}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:])) + b"0\r\n\r\n"
    with connections(shared, 1, head.encode() + chunks) as (asked,):
        answer = b"".join(iter(lambda: asked.recv(65_536), b""))

    assert int(answer.split()[1]) == (200 if path == "/graphql" else 401)
    assert (b"__typename" in answer) is (path == "/graphql")
