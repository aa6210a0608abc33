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

from gateway_clients.instrumentation import logs


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
