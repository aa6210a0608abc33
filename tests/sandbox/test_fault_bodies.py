"""Faults of a body: cut off, dripping, too large, unreadable, or with other values than the right ones."""

import gzip
import json
from time import monotonic
from typing import Any

import pytest
import requests

from sandbox.testing import Sandbox
from tests.sandbox.asking import raw
from tests.sandbox.received import CLAIMS, announced, body_of


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
