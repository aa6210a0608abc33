"""What portals send: bodies and queries, read strictly."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from gateway_clients.edge.errors import BadUserInputError
from gateway_clients.edge.input.parameters import Page, choice_of, date_of, id_of, names_of, page_of, required_id_of

ECHO = "/api/v1/sample-echo"
web = pytest.mark.urls("tests.edge.sample_urls")


@web
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"[]",
        b"1",
        b'"text"',
        b"null",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": "\\ud800"}',
        b'{"a": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' + b"[" * 200 + b"]" * 200 + b"}",
    ],
    ids=lambda body: body[:24],
)
def test_a_body_that_is_no_plain_json_object_is_400(portal: Client, body: bytes) -> None:
    answer = portal.post(ECHO, body, "application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_user_input")


@web
def test_a_json_object_is_taken(portal: Client) -> None:
    assert portal.post(ECHO, {"b": 1.5, "a": [None]}, "application/json; charset=utf-8").json()["member_id"] == (
        "['a', 'b']"
    )


@web
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_another_kind_of_body_is_415(portal: Client, content_type: str) -> None:
    answer = portal.generic("POST", ECHO, b"{}", content_type)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@web
@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 413)])
def test_a_body_past_the_limit_is_413(portal: Client, settings: Any, size: int, status: int) -> None:
    settings.REQUEST_MAX_BYTES = 1000
    body = b'{"a": "' + b"x" * (size - 9) + b'"}'

    assert len(body) == size
    assert portal.post(ECHO, body, "application/json").status_code == status


@pytest.mark.parametrize(
    ("query", "page"), [("", Page(20, 0)), ("limit=1&offset=5", Page(1, 5)), ("limit=100", Page(100, 0))]
)
def test_a_page_is_read(query: str, page: Page) -> None:
    assert page_of(QueryDict(query)) == page


@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize("value", ["abc", "1e9", "%00", "%D9%A1", "-1", "1.0", "", "+1", "%201", "1%0A", "9" * 30])
def test_a_number_that_is_none_is_refused(name: str, value: str) -> None:
    with pytest.raises(BadUserInputError) as refusal:
        page_of(QueryDict(f"{name}={value}"))

    assert list(refusal.value.errors or {}) == [name]


@pytest.mark.parametrize("query", ["limit=0", "limit=101"])
def test_a_limit_out_of_bounds_is_refused_not_clamped(query: str) -> None:
    with pytest.raises(BadUserInputError) as refusal:
        page_of(QueryDict(query))

    assert refusal.value.errors == {"limit": ["Must be a number from 1 to 100."]}


def test_every_wrong_number_is_named() -> None:
    with pytest.raises(BadUserInputError) as refusal:
        page_of(QueryDict("limit=x&offset=y"))

    assert sorted(refusal.value.errors or {}) == ["limit", "offset"]


def test_what_is_right_is_read() -> None:
    query = QueryDict("status=paid&sections=b,a&id=m-1&day=2026-02-28")

    assert choice_of(query, "status", ["paid"]) == "paid"
    assert names_of(query, "sections", ("a", "b", "c")) == ("a", "b")
    assert (id_of(query, "id"), date_of(query, "day")) == ("m-1", date(2026, 2, 28))


def test_what_is_not_asked_for_is_none() -> None:
    query = QueryDict("unknown=1")

    assert (choice_of(query, "x", ["a"]), names_of(query, "x", ["a"]), id_of(query, "x"), date_of(query, "x")) == (
        None,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("read", "query"),
    [
        (lambda query: choice_of(query, "x", ["paid"]), "x=lost"),
        (lambda query: choice_of(query, "x", ["paid"]), "x=paid&x=paid"),
        (lambda query: names_of(query, "x", ["a"]), "x=a,z"),
        (lambda query: names_of(query, "x", ["a"]), "x="),
        (lambda query: id_of(query, "x"), "x=a%00"),
        (lambda query: id_of(query, "x"), "x=a%0A"),
        (lambda query: id_of(query, "x"), "x="),
        (lambda query: required_id_of(query, "x"), ""),
        (lambda query: date_of(query, "x"), "x=2026-02-30"),
        (lambda query: date_of(query, "x"), "x=20260228"),
        (lambda query: date_of(query, "x"), "x=%D9%A1026-02-28"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_its_name(read: Callable[[QueryDict], object], query: str) -> None:
    with pytest.raises(BadUserInputError) as refusal:
        read(QueryDict(query))

    assert list(refusal.value.errors or {}) == ["x"]
