"""The gateway's log lines."""

import json

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
