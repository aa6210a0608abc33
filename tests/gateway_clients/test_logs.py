"""The gateway's log lines."""

import io
import json
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress

import pytest
import structlog
from pytest_django import Settings

from gateway_clients.instrumentation import logs
from gateway_clients.instrumentation.request_span import RequestSpan, current_span


def test_a_logger_with_a_name_and_one_without_both_write_lines(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger("security").error("foreign_answer", service="claims")
    structlog.get_logger().info("request", status=200)
    named, unnamed = map(json.loads, capsys.readouterr().out.splitlines())
    assert (named["logger"], named["event"], named["level"]) == ("security", "foreign_answer", "error")
    assert (unnamed["event"], "logger" in unnamed) == ("request", False)


def test_a_line_carries_the_id_of_its_request(capsys: pytest.CaptureFixture[str]) -> None:
    token = logs.request_id.set("req-1")
    structlog.get_logger("any").info("x")
    logs.request_id.reset(token)
    assert json.loads(capsys.readouterr().out)["request_id"] == "req-1"


def full_disk() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.FileIO("/dev/full", "w"), write_through=True)


def broken_pipe() -> io.TextIOWrapper:
    reading, writing = os.pipe()
    os.close(reading)
    return io.TextIOWrapper(io.FileIO(writing, "w"), write_through=True)


def closed() -> io.TextIOWrapper:
    stream = io.TextIOWrapper(io.BytesIO())
    stream.close()
    return stream


def ascii_only() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii")


@pytest.mark.parametrize("make", [full_disk, broken_pipe, closed, ascii_only])
def test_a_line_that_cannot_be_written_is_lost_and_nothing_else(
    make: Callable[[], io.TextIOWrapper], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = make()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        patch.setattr(sys, "stderr", stream)
        structlog.get_logger("any").error("é")
        logs.log_request(method="GET", route="/é", status=200, seconds=0.1, account_id=None)
        logging.getLogger("django.any").error("é")
    with suppress(OSError, ValueError):
        stream.close()


def test_a_record_that_cannot_be_put_into_words_is_still_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    handler = logs.LineHandler()
    handler.setFormatter(logs.JsonFormatter())
    handler.handle(logging.makeLogRecord({"levelname": "ERROR", "msg": "%d of them", "args": ("many",)}))
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["event"]) == ("error", "%d of them")


def test_half_a_character_is_escaped_and_fails_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger("any").warning("x", name="\ud83d")
    # Not through a logger: what pytest hears too it could not send to the process that reports.
    handler = logs.LineHandler()
    handler.setFormatter(logs.JsonFormatter())
    handler.handle(logging.LogRecord("django.any", logging.ERROR, __file__, 1, "half of it: %s", ("\ud83d",), None))
    own, django = map(json.loads, capsys.readouterr().out.splitlines())
    assert (own["name"], django["event"]) == ("\ud83d", "half of it: \ud83d")


def test_the_lines_of_a_traced_request_name_its_trace_and_its_span(capsys: pytest.CaptureFixture[str]) -> None:
    token = current_span.set(RequestSpan(trace_id="a1" * 16, span_id="b2" * 8))
    structlog.get_logger("any").info("x")
    logs.log_request(method="GET", route="/x", status=200, seconds=0.1, account_id=None)
    current_span.reset(token)
    structlog.get_logger("any").info("x")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line.get("trace_id"), line.get("span_id")) for line in lines] == [
        ("a1" * 16, "b2" * 8),
        ("a1" * 16, "b2" * 8),
        (None, None),
    ]


def test_lines_have_the_names_of_the_elastic_common_schema(
    capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    settings.LOG_FORMAT = "ecs"
    token = current_span.set(RequestSpan(trace_id="a1" * 16, span_id="b2" * 8))
    id_token = logs.request_id.set("req-12345")
    logs.log_request(method="GET", route="/x", status=504, seconds=0.25, account_id="2")
    structlog.get_logger("fleet").warning("call_failed", service="claims", status=502)
    logs.request_id.reset(id_token)
    current_span.reset(token)
    try:
        int("wrong")
    except ValueError:
        logging.getLogger("django.request").exception("Internal Server Error: %s", "/x")

    request, failed, django = map(json.loads, capsys.readouterr().out.splitlines())
    assert request.pop("@timestamp").endswith("+00:00")
    shared = {
        "ecs.version": "8.11.0",
        "event.dataset": "web-bff.log",
        "service.name": "web-bff",
        "service.version": settings.GATEWAY_VERSION,
    }
    assert request == {
        "message": "request",
        "http.request.method": "GET",
        "gateway.route": "/x",
        "http.response.status_code": 504,
        "event.duration": 250_000_000,
        "user.id": "2",
        "log.level": "info",
        "http.request.id": "req-12345",
        "trace.id": "a1" * 16,
        "span.id": "b2" * 8,
        **shared,
    }
    assert (failed["log.logger"], failed["gateway.service"], failed["gateway.status"]) == ("fleet", "claims", 502)
    assert (django["message"], django["log.level"], django["log.logger"]) == (
        "Internal Server Error: /x",
        "error",
        "django.request",
    )
    assert "ValueError: invalid literal" in django["error.stack_trace"]
