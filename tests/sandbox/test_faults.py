"""Each fault does on the wire what its name says, to that service or operation only, as often as it was asked for."""

from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import pytest
import requests

from sandbox.breaking import BREAKERS, REFUSALS
from sandbox.messages import ProblemError
from sandbox.spoiling import FIELDS, WHOLES
from sandbox.testing import FaultKind, Sandbox
from tests.sandbox.asking import key, raw, submission
from tests.sandbox.received import CLAIMS, announced, body_of
from tests.support.waiting import wait_until


def test_every_kind_of_fault_has_its_function() -> None:
    own = {FaultKind.DELAY, FaultKind.FOREIGN}

    assert {*REFUSALS, *BREAKERS, *WHOLES, *FIELDS, *own} == set(FaultKind)
    assert len(REFUSALS) + len(BREAKERS) + len(WHOLES) + len(FIELDS) + len(own) == len(FaultKind)


@pytest.mark.parametrize(
    ("kind", "start", "end"),
    [
        ("down", b"", "closed"),
        ("reset", b"", "reset"),
        ("hang", b"", "open"),
        ("hang_head", b"HTTP/1.1 200 OK\r\nContent-Type: applica", "open"),
        ("lost", b"", "closed"),
        ("mute", b"", "open"),
        ("not_http", b"+OK", "closed"),
    ],
)
def test_no_answer_at_all(sandbox: Sandbox, kind: str, start: bytes, end: str) -> None:
    sandbox.fault("claims", kind)

    received, ended = raw(sandbox.url("claims"), CLAIMS, wait_seconds=0.3)

    assert ended == end
    assert received.startswith(start)
    assert b"\r\n\r\n" not in received or kind == "not_http"
    assert sandbox.calls("claims").by_operation == {"listClaims": 1}


def test_a_refused_connection_is_refused_until_it_is_mended(sandbox: Sandbox, http: requests.Session) -> None:
    http.get(f"{sandbox.url('claims')}/health", timeout=5)
    sandbox.refuse("claims")

    with pytest.raises(requests.ConnectionError, match="refused"):
        requests.get(f"{sandbox.url('claims')}/health", timeout=5)
    assert http.get(f"{sandbox.url('member')}/health", timeout=5).status_code == 200

    sandbox.clear()
    assert http.get(f"{sandbox.url('claims')}/health", timeout=5).status_code == 200


def test_an_idle_connection_is_closed_after_a_right_answer(sandbox: Sandbox) -> None:
    sandbox.fault("claims", "close_idle")

    received, ended = raw(sandbox.url("claims"), CLAIMS)

    assert b"Connection: keep-alive\r\n" in received
    assert len(body_of(received)) == announced(received)
    assert ended == "closed"


def test_an_answer_comes_late(sandbox: Sandbox, http: requests.Session) -> None:
    sandbox.fault("claims", "delay", delay_seconds=0.25)

    began = monotonic()
    answer = http.get(sandbox.url("claims") + CLAIMS, timeout=5)

    assert answer.status_code == 200
    assert monotonic() - began >= 0.25


def test_slow_answers_do_not_wait_for_each_other(sandbox: Sandbox) -> None:
    sandbox.fault("claims", "delay", delay_seconds=1.0)  # more than a busy machine takes to begin all of them

    began = monotonic()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: requests.get(sandbox.url("claims") + CLAIMS, timeout=5), range(20)))

    assert [answer.status_code for answer in answers] == [200] * 20
    assert monotonic() - began < 5.0
    assert sandbox.calls("claims").peak_in_flight == 20
    wait_until(lambda: sandbox.calls("claims").in_flight == 0)


@pytest.mark.parametrize(
    ("details", "status", "retry_after"),
    [
        ({"status": 503, "retry_after": "5"}, 503, "5"),
        ({"status": 429, "retry_after": "99999999999"}, 429, "99999999999"),
        ({"status": 503}, 503, None),
        ({"status": 401}, 401, None),
    ],
)
def test_a_status(
    sandbox: Sandbox, http: requests.Session, details: dict[str, Any], status: int, retry_after: str | None
) -> None:
    sandbox.fault("member", "status", **details)

    answer = http.get(f"{sandbox.url('member')}/members/m-1", timeout=5)

    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry_after)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_errors_at_a_rate(sandbox: Sandbox, http: requests.Session) -> None:
    sandbox.fault("member", "error", rate=0.3)

    statuses = [http.get(f"{sandbox.url('member')}/members/m-1", timeout=5).status_code for _ in range(200)]

    assert set(statuses) == {200, 500}
    assert 35 <= statuses.count(500) <= 85


def test_a_redirect_leads_to_where_visitors_are_counted(sandbox: Sandbox, http: requests.Session) -> None:
    sandbox.fault("claims", "redirect")

    answer = http.get(sandbox.url("claims") + CLAIMS, timeout=5, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/_sandbox/redirected")
    assert sandbox.calls("claims").by_operation == {"listClaims": 1}

    http.get(sandbox.url("claims") + CLAIMS, timeout=5)
    assert sandbox.calls("claims").by_operation == {"listClaims": 2, "redirected": 1}


def test_a_cookie_and_headers_of_the_inside(sandbox: Sandbox, http: requests.Session) -> None:
    sandbox.fault("claims", "set_cookie")

    answer = http.get(sandbox.url("claims") + CLAIMS, timeout=5)

    assert answer.json()["items"][0]["member_id"] == "m-1"
    assert answer.headers["Set-Cookie"].startswith("sandbox_session=")
    assert answer.headers["X-Internal-Host"] == "node-7.internal"


@pytest.mark.parametrize(("kind", "is_done"), [("down", False), ("error", False), ("lost", True), ("garbage", True)])
def test_a_write_is_carried_out_or_not(sandbox: Sandbox, kind: str, is_done: bool) -> None:
    header = key()
    sandbox.fault("claims", kind, operation="submitClaim", times=1)

    try:
        requests.post(f"{sandbox.url('claims')}/claims", json=submission(), headers=header, timeout=5)
    except requests.ConnectionError:
        assert kind in ("down", "lost")
    keys = [entry.idempotency_key for entry in sandbox.ledger("claims")]
    again = requests.post(f"{sandbox.url('claims')}/claims", json=submission(), headers=header, timeout=5)

    assert (header["Idempotency-Key"] in keys) == is_done
    assert again.status_code == (200 if is_done else 201)


def test_a_fault_of_one_operation_so_many_times(sandbox: Sandbox, http: requests.Session) -> None:
    sandbox.fault("claims", "error", operation="getClaim", times=2)

    statuses = [http.get(f"{sandbox.url('claims')}/claims/clm-1", timeout=5).status_code for _ in range(3)]

    assert statuses == [500, 500, 200]
    sandbox.fault("claims", "error", operation="getClaim")
    assert http.get(sandbox.url("claims") + CLAIMS, timeout=5).status_code == 200
    assert http.get(f"{sandbox.url('member')}/members/m-1", timeout=5).status_code == 200


def test_a_service_that_is_down_can_still_be_told_to_come_back(sandbox: Sandbox, http: requests.Session) -> None:
    control = f"{sandbox.url('claims')}/_sandbox/fault"

    put = http.put(control, json={"kind": "down"}, timeout=5)
    assert put.json() == {"service": "claims", "faults": [{"kind": "down"}]}
    assert raw(sandbox.url("claims"), CLAIMS) == (b"", "closed")
    assert http.get(control, timeout=5).json() == put.json()

    assert http.delete(control, timeout=5).json() == {"service": "claims", "faults": []}
    assert http.get(sandbox.url("claims") + CLAIMS, timeout=5).status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "asleep"},
        {},
        {"kind": "error", "rate": 2},
        {"kind": "error", "times": 0},
        {"kind": "delay", "delay_seconds": -1},
        {"kind": "error", "operation": "getMember"},
        {"kind": "error", "colour": "red"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    sandbox: Sandbox, http: requests.Session, fault: dict[str, Any]
) -> None:
    answer = http.put(f"{sandbox.url('claims')}/_sandbox/fault", json=fault, timeout=5)

    assert answer.status_code == 400
    assert http.get(f"{sandbox.url('claims')}/_sandbox/fault", timeout=5).json()["faults"] == []


def test_a_fault_of_an_operation_that_is_not_there_is_refused_in_python_too(sandbox: Sandbox) -> None:
    with pytest.raises(ProblemError, match="operation must be one of"):
        sandbox.fault("claims", "down", operation="getMember")


def test_calls_are_counted_with_their_headers_and_can_be_reset(sandbox: Sandbox, http: requests.Session) -> None:
    url = sandbox.url("claims")
    for number in range(2):
        http.get(url + CLAIMS, headers={"X-Request-ID": f"request-{number}"}, timeout=5)
    http.get(f"{url}/claims/clm-1", timeout=5)

    report = http.get(f"{url}/_sandbox/calls", timeout=5).json()
    assert (report["service"], report["total"]) == ("claims", 3)
    assert report["by_operation"] == {"listClaims": 2, "getClaim": 1}
    assert report["last_headers"]["listClaims"]["x-request-id"] == "request-1"
    assert report["recent"] == [f"listClaims GET {CLAIMS}"] * 2 + ["getClaim GET /claims/clm-1"]
    assert (report["in_flight"], report["peak_in_flight"]) == (0, 1)

    assert http.post(f"{url}/_sandbox/reset", timeout=5).status_code == 204
    assert sandbox.calls("claims").by_operation == {}
    assert sandbox.calls("claims").total == 0


def test_the_control_interface_knows_its_addresses_only(sandbox: Sandbox, http: requests.Session) -> None:
    for service, method, path in (
        ("claims", "GET", "nothing"),
        ("claims", "DELETE", "calls"),
        ("member", "POST", "claims/clm-1/status"),
    ):
        assert http.request(method, f"{sandbox.url(service)}/_sandbox/{path}", timeout=5).status_code == 404
