"""Logs as JSON lines on standard output, each with the id of the request it belongs to."""

import logging
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import structlog

from gateway_clients.instrumentation.hooks import CallRecord, DriftRecord, Record

#: The request that this thread of work belongs to; empty outside requests.
request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")


class JsonFormatter(logging.Formatter):
    """One JSON line for each record of the standard library's loggers; their `extra` is left out."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _rendered(None, "", _with_request_id(None, "", line))


class LineWriter:
    """Where structlog's lines end: standard output, as it is at that moment. `name`: who logs, if anybody said."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        """Writes the line whole; on a disk that is full, or to somebody who is gone, the line is lost."""
        with suppress(OSError, ValueError):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    debug = info = warning = error = critical = exception = msg


_LINES: Final = LineWriter()


class LineHandler(logging.Handler):
    """Writes the standard library's log records where structlog's lines end, and fails nobody by it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record's line; one that cannot be put into words stands there as it was said."""
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001  whatever it is, the one who logs goes on
            line = msgspec.json.encode(
                {"level": "error", "event": str(record.msg), "unformatted": repr(error)}
            ).decode()
        _LINES.msg(line)


def configure() -> None:
    """Makes structlog write JSON lines; the standard library's loggers are set in `LOGGING`."""
    structlog.configure(
        processors=[
            _with_time,
            structlog.processors.add_log_level,
            _with_logger,
            _with_request_id,
            structlog.processors.format_exc_info,
            _rendered,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=LineWriter,
        cache_logger_on_first_use=True,
    )


def log_request(*, method: str, route: str, status: int, seconds: float, account_id: str | None) -> None:
    """Writes the line of a request that was answered.

    By itself, since it is written for each: structlog's chain took a fifteenth of what a kept answer takes.
    """
    line = {
        "time": _now(),
        "event": "request",
        "method": method,
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 2),
        "account": account_id,
        "level": "info",
    }
    _LINES.msg(_rendered(None, "", _with_request_id(None, "", line)))


def log_record(record: Record) -> None:
    """The hook that logs calls that failed and answers that drift; the others are in the metrics."""
    match record:
        case CallRecord(outcome="ok" | "not_found"):
            return
        case CallRecord():
            structlog.get_logger().warning(
                "call_failed",
                service=record.service,
                operation=record.operation,
                outcome=record.outcome,
                state=record.state,
                ms=round(record.seconds * 1000, 1),
            )
        case DriftRecord():
            structlog.get_logger().warning(
                "answer_drifted",
                service=record.service,
                operation=record.operation,
                fields=record.fields,
                omitted=record.omitted,
            )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _with_time(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {"time": _now(), **event}


def _with_logger(logger: LineWriter, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if logger.name:
        event["logger"] = logger.name
    return event


def _with_request_id(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if "request_id" not in event and (current := request_id.get()):
        event["request_id"] = current
    return event


def _rendered(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
