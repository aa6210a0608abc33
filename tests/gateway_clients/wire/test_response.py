"""What statuses and bodies mean."""

import traceback
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_clients.errors import (
    UpstreamBusyError,
    UpstreamConflictError,
    UpstreamContractError,
    UpstreamError,
    UpstreamNotFoundError,
    UpstreamRejectedError,
    UpstreamServerError,
    UpstreamTimeoutError,
)
from gateway_clients.pipeline.call import Call, Parsed
from gateway_clients.pipeline.response import parse_response, refusal, retry_after_seconds
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.services.payload_parser import Payload, one
from gateway_clients.transport.messages import UpstreamResponse

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class ThingPayload(Payload, frozen=True):
    id: str


CALL: Call[Any] = Call(
    service="claims",
    operation="getThing",
    target="/things/t-1",
    parse=one(ThingPayload, is_asked_for=lambda thing: thing.id == "t-1"),
)


def answer(status: int, body: bytes = b"{}", **headers: str) -> UpstreamResponse:
    return UpstreamResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.mark.parametrize("status", [200, 201, 202, 206, 299])
def test_a_2xx_is_the_payload(status: int) -> None:
    assert parse_response(CALL, answer(status, b'{"id": "t-1"}')).value == ThingPayload(id="t-1")


@pytest.mark.parametrize(
    ("status", "kind", "portal_status"),
    [
        (101, UpstreamContractError, 502),
        (300, UpstreamContractError, 502),
        (302, UpstreamContractError, 502),
        (304, UpstreamContractError, 502),
        (400, UpstreamRejectedError, 502),
        (401, UpstreamRejectedError, 502),
        (403, UpstreamRejectedError, 502),
        (404, UpstreamNotFoundError, 404),
        (405, UpstreamRejectedError, 502),
        (409, UpstreamConflictError, 409),
        (410, UpstreamRejectedError, 502),
        (418, UpstreamRejectedError, 502),
        (422, UpstreamRejectedError, 502),
        (429, UpstreamBusyError, 503),
        (499, UpstreamRejectedError, 502),
        (500, UpstreamServerError, 503),
        (502, UpstreamServerError, 503),
        (503, UpstreamServerError, 503),
        (504, UpstreamServerError, 503),
        (599, UpstreamServerError, 503),
        (999, UpstreamServerError, 503),
    ],
)
def test_every_other_status_is_an_error(status: int, kind: type[UpstreamError], portal_status: int) -> None:
    with pytest.raises(UpstreamError) as caught:
        parse_response(CALL, answer(status, b'{"id": "t-1"}'))

    assert (type(caught.value), caught.value.status, caught.value.was_sent) == (kind, portal_status, True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b'{"id": "t-2"}',
        b'{"id": 5}',
        b'{"id": null}',
        b'{"id": NaN}',
        b'{"id": "\\ud800"}',
        b'{"id": "\xff"}',
        b'{"id": ' + b"9" * 5_000 + b"}",
        b"[" * 100_000,
        b'{"id":' * 100_000,
    ],
    ids=lambda body: repr(body[:16]),
)
def test_an_unusable_2xx_is_a_broken_contract(body: bytes) -> None:
    with pytest.raises(UpstreamContractError) as caught:
        parse_response(CALL, answer(200, body))

    assert (str(caught.value), caught.value.was_sent) == ("claims", True)


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_problems_text_is_for_the_code_that_asked_and_nobody_else(status: int) -> None:
    error = refusal(CALL, answer(status, b'{"title": "Wrong", "detail": "Budi of 10.0.0.7 is not covered"}'))

    assert isinstance(error, UpstreamRejectedError)
    assert (error.detail, error.upstream_status) == ("Budi of 10.0.0.7 is not covered", status)
    told = "".join((str(error), repr(error), error.title, error.code, *traceback.format_exception(error)))
    assert "Budi" not in told
    assert "10.0.0.7" not in told


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"title": "Wrong"}', "Wrong"),
        (b'{"detail": 5}', None),
        (b"<html>", None),
        (b"", None),
        (b"[" * 100_000, None),
        (b"\xff\xfe", None),
    ],
)
def test_a_refusal_without_a_readable_problem_is_one_all_the_same(body: bytes, detail: str | None) -> None:
    error = refusal(CALL, answer(400, body))

    assert isinstance(error, UpstreamRejectedError)
    assert error.detail == detail


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("999999999", 999_999_999.0),
        ("9" * 400, float("inf")),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 60.0),
        ("Fri, 02 Jan 2026 10:05:05 +0700", 60.0),
        ("Fri, 02 Jan 2026 03:05:05", 60.0),
        ("Fri, 02 Jan 2025 03:04:05 GMT", 0.0),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("", None),
        ("Fri, 99 Jan 2026 03:05:05 GMT", None),
        ("Fri, 02 Jan 2026 03:05:05 +99999999999999999999", None),
    ],
)
def test_retry_after_is_read_in_both_forms(text: str, seconds: float | None) -> None:
    assert retry_after_seconds({"retry-after": text}, now=NOW) == seconds


def test_there_need_not_be_a_retry_after() -> None:
    assert retry_after_seconds({}) is None


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{1,6} \d\d:\d\d:\d\d [+-]\d{1,22}"))
def test_no_retry_after_breaks_anything(text: str) -> None:
    seconds = retry_after_seconds({"retry-after": text}, now=NOW)

    assert seconds is None or seconds >= 0.0


def test_an_answer_that_could_not_be_read_in_time_is_a_timeout() -> None:
    def parse(_body: bytes, _deadline: Deadline) -> Parsed[ThingPayload]:
        raise TimeoutError

    call = Call(service="claims", operation="getThing", target="/", parse=parse)

    with pytest.raises(UpstreamTimeoutError) as raised:
        parse_response(call, UpstreamResponse(200, {}, b"{}"), Deadline.after(1.0))
    assert (raised.value.service, raised.value.was_sent) == ("claims", True)
