"""Logs as JSON lines on standard output, each with the ids of the request and the trace that it belongs to."""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import msgspec
import structlog
from django.conf import settings
from django.core.signals import setting_changed

from gateway_clients.instrumentation.ecs import ecs_line
from gateway_clients.instrumentation.hooks import CallRecord, DriftRecord, Record
from gateway_clients.instrumentation.request_span import current_span

#: The request that this thread of work belongs to; empty outside requests.
request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")


#: Django's loggers that quote addresses, methods and hosts.
ABOUT_REQUESTS: Final = ("django.request", "django.security")


class JsonFormatter(logging.Formatter):
    """One JSON line for each record of the standard library's loggers; their `extra` is left out."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line of a record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _said(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _rendered(None, "", _with_request_id(None, "", line))


def _said(record: logging.LogRecord) -> str:
    """What a record says; of Django's about a request the status alone: address and method are as a client wrote them.

    The line of the request itself has the route.
    """
    status = getattr(record, "status_code", None)
    if record.name.startswith(ABOUT_REQUESTS) and isinstance(status, int):
        return f"answered {status}"
    return record.getMessage()


class _Output:
    is_for_answers = False


_OUTPUT: Final = _Output()


@contextmanager
def lines_on_stderr() -> Iterator[None]:
    """Keeps lines out of standard output, where a command writes what somebody reads by a program."""
    _OUTPUT.is_for_answers = True
    try:
        yield
    finally:
        _OUTPUT.is_for_answers = False


class LineWriter:
    """Where structlog's lines end: standard output, as it is at that moment. `name`: who logs, if anybody said."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        """Writes the line whole; on a disk that is full, or to somebody who is gone, the line is lost."""
        stream = sys.stderr if _OUTPUT.is_for_answers else sys.stdout
        with suppress(OSError, ValueError):
            stream.write(line + "\n")
            stream.flush()

    debug = info = warning = error = critical = exception = msg


_LINES: Final = LineWriter()


class LineHandler(logging.Handler):
    """Writes the standard library's log records where structlog's lines end, and fails nobody by it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record's line; one that cannot be put into words stands there as it was said."""
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001  whatever it is, the one who logs goes on
            line = _rendered(None, "", {"level": "error", "event": str(record.msg), "unformatted": repr(error)})
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
            _watched,
            _rendered,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=LineWriter,
        cache_logger_on_first_use=True,
    )


def log_request(*, method: str, route: str, status: int, seconds: float, account_id: str | None) -> None:
    """Writes the line of a request that was answered.

    It is written past structlog. Measured (`tests.bench.pairs`, 2026-11-29): structlog's chain
    takes 1.057 ± 0.016 times as much processor time for a kept dashboard (warm-rest).
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
    if (span := current_span.get()) is not None:
        event["trace_id"], event["span_id"] = span.trace_id, span.span_id
    return event


#: Who else hears of the lines that structlog writes.
_watchers: list[Callable[[Mapping[str, Any]], None]] = []


def watch(watcher: Callable[[Mapping[str, Any]], None]) -> None:
    """Has a watcher hear of each line that structlog writes from now on; it must neither wait nor log."""
    if watcher not in _watchers:
        _watchers.append(watcher)


def _watched(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for watcher in _watchers:
        with suppress(Exception):
            watcher(event)
    return event


def _rendered(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    line = ecs_line(event) if _is_ecs() else event
    try:
        return msgspec.json.encode(line, enc_hook=str).decode()
    except UnicodeEncodeError:
        # Half a surrogate pair, which JSON can escape and UTF-8 cannot hold.
        return json.dumps(line, default=str)


@cache
def _is_ecs() -> bool:
    return bool(settings.LOG_FORMAT == "ecs")


def forget(*, setting: str, **_: object) -> None:
    """Reads the setting anew when it changes."""
    if setting == "LOG_FORMAT":
        _is_ecs.cache_clear()


setting_changed.connect(forget)
