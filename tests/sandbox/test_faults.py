"""Each fault does on the wire what its name says, to that service or operation only, as often as it was asked for."""

import gzip
import json
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
from tests.support.waiting import wait_until

CLAIMS = "/claims?member_id=m-1&limit=3"


def body_of(received: bytes) -> bytes:
    return received.partition(b"\r\n\r\n")[2]


def announced(received: bytes) -> int:
    return int(received.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


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


@pytest.mark.parametrize(("kind", "end"), [("hang_body", "open"), ("truncate", "closed")])
def test_half_a_body(sandbox: Sandbox, kind: str, end: str) -> None:
    sandbox.fault("claims", kind)

    received, ended = raw(sandbox.url("claims"), CLAIMS, wait_seconds=0.3)

    assert ended == end
    assert len(body_of(received)) == announced(received) // 2 > 100


def test_a_body_that_drips_goes_on_for_ever_a_byte_at_a_time(sandbox: Sandbox) -> None:
    sandbox.fault("claims", "drip")
    head = raw(sandbox.url("claims"), CLAIMS, limit=1)[0].partition(b"\r\n\r\n")[0]

    began = monotonic()
    received, ended = raw(sandbox.url("claims"), CLAIMS, limit=len(head) + 4 + 5)

    assert ended == "limit"
    assert body_of(received) == b'{"ite'
    assert announced(received) > 500
    assert monotonic() - began > 0.15


def test_bad_chunks_cannot_be_read(sandbox: Sandbox) -> None:
    sandbox.fault("claims", "bad_chunks")

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.get(sandbox.url("claims") + CLAIMS, timeout=5)
    received, ended = raw(sandbox.url("claims"), CLAIMS)
    assert b"Transfer-Encoding: chunked\r\n" in received
    assert b"\r\nzz\r\n" in received
    assert ended == "closed"


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
    sandbox.fault("claims", "delay", delay_seconds=0.4)

    began = monotonic()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: requests.get(sandbox.url("claims") + CLAIMS, timeout=5), range(20)))

    assert [answer.status_code for answer in answers] == [200] * 20
    assert monotonic() - began < 2.0
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


@pytest.mark.parametrize(
    ("kind", "content_type", "body"),
    [
        ("garbage", "text/html; charset=utf-8", b"<!DOCTYPE html>"),
        ("empty", "application/json", b""),
        ("not_json", "application/json", b'{"items":[{"id":"clm-'),
        ("deep", "application/json", b'{"items":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ],
)
def test_a_body_that_is_something_else(
    sandbox: Sandbox, http: requests.Session, kind: str, content_type: str, body: bytes
) -> None:
    sandbox.fault("claims", kind)

    answer = http.get(sandbox.url("claims") + CLAIMS, timeout=5)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
    assert answer.content.startswith(body)
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    with pytest.raises((ValueError, RecursionError)):
        json.loads(answer.content)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("nan", b'"total_amount":NaN,'),
        ("big_number", b'"total_amount":' + b"9" * 5000 + b","),
        ("surrogate", b'"status":"\\ud800",'),
    ],
)
def test_values_that_readers_trip_over(sandbox: Sandbox, http: requests.Session, kind: str, text: bytes) -> None:
    claim = sandbox.world.listed_by_owner["m-1"][0]
    sandbox.fault("claims", kind)

    answer = http.get(sandbox.url("claims") + CLAIMS, timeout=5)

    assert answer.content.count(text) >= 3
    assert answer.content.startswith(b'{"items":[{"id":"%s",' % claim["id"].encode())


def test_huge_is_50_mb_after_the_right_json(sandbox: Sandbox, http: requests.Session) -> None:
    right = http.get(sandbox.url("claims") + CLAIMS, timeout=5).json()
    sandbox.fault("claims", "huge")

    with http.get(sandbox.url("claims") + CLAIMS, timeout=20, stream=True) as answer:
        assert int(answer.headers["Content-Length"]) > 50_000_000
        body = b"".join(answer.iter_content(1_000_000))
    assert len(body) == int(answer.headers["Content-Length"])
    assert json.loads(body) == right


def test_a_gzip_bomb_is_small_on_the_wire_and_50_mb_unpacked(sandbox: Sandbox, http: requests.Session) -> None:
    sandbox.fault("claims", "gzip_bomb")

    with http.get(sandbox.url("claims") + CLAIMS, timeout=20, stream=True) as answer:
        packed = answer.raw.read(decode_content=False)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(packed) < 300_000
    assert len(gzip.decompress(packed)) > 50_000_000


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


def test_a_foreign_item_in_a_list_and_a_foreign_object(sandbox: Sandbox, http: requests.Session) -> None:
    for service in ("claims", "member", "provider"):
        sandbox.fault(service, "foreign")

    claims = http.get(sandbox.url("claims") + CLAIMS, timeout=5).json()["items"]
    claim = http.get(f"{sandbox.url('claims')}/claims/clm-1", timeout=5).json()
    member = http.get(f"{sandbox.url('member')}/members/m-1", timeout=5).json()
    provider = http.get(f"{sandbox.url('provider')}/providers/prov-1", timeout=5).json()

    assert [row["member_id"] for row in claims] == ["sandbox-other", "m-1", "m-1"]
    assert (claim["id"], claim["member_id"]) == ("clm-1", "sandbox-other")
    assert (member["id"], provider["id"]) == ("sandbox-other", "sandbox-other")


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("missing", {}),
        ("null", {"status": None}),
        ("renamed", {"status_v2": "the right one"}),
        ("wrong_type", {"status": {"is": 1}}),
        ("unknown_enum", {"status": "sandbox-unknown"}),
    ],
)
def test_one_field_of_one_item(sandbox: Sandbox, http: requests.Session, kind: str, changed: dict[str, Any]) -> None:
    right = http.get(sandbox.url("claims") + CLAIMS, timeout=5).json()
    sandbox.fault("claims", kind, field="status", item=1)

    wrong = http.get(sandbox.url("claims") + CLAIMS, timeout=5).json()

    status = right["items"][1].pop("status")
    right["items"][1] |= {name: status if value == "the right one" else value for name, value in changed.items()}
    assert wrong == right


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("missing", {"id": "prov-1"}),
        ("null", {"id": "prov-1", "name": None, "type": None, "is_active": None, "phone": None}),
        ("wrong_type", {"id": "prov-1", "name": {"is": 1}, "is_active": "seven"}),
        ("unknown_enum", {"id": "prov-1", "type": "sandbox-unknown", "is_active": True}),
    ],
)
def test_all_fields_but_the_ids(sandbox: Sandbox, http: requests.Session, kind: str, values: dict[str, Any]) -> None:
    sandbox.fault("provider", kind)

    provider = http.get(f"{sandbox.url('provider')}/providers/prov-1", timeout=5).json()

    assert {name: provider.get(name) for name in values} == values
    assert len(provider) == (1 if kind == "missing" else 8)


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
