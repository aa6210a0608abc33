"""Turns an upstream's answer into a payload or into one of the gateway's errors."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec
import structlog

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
from gateway_clients.pipeline.call import Call, ForeignAnswerError, Parsed
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import UpstreamResponse

P = TypeVar("P")
#: The first digit of a successful status.
SUCCESSFUL: Final = 2
log = structlog.get_logger(__name__)
security_log = structlog.get_logger("security")


class _Problem(msgspec.Struct):
    detail: str | None = None
    title: str | None = None


def parse_response(call: Call[P], answer: UpstreamResponse, deadline: Deadline | None = None) -> Parsed[P]:
    """Returns the payload of an answer, parsed by the deadline. Raises the subclasses of UpstreamError."""
    if answer.status_code // 100 == SUCCESSFUL:
        return _parsed(call, answer, deadline)
    raise refusal(call, answer)


def _parsed(call: Call[P], answer: UpstreamResponse, deadline: Deadline | None) -> Parsed[P]:
    try:
        return call.parse(answer.body, deadline)
    except ForeignAnswerError as error:
        security_log.error("upstream.foreign_answer", service=call.service, operation=call.operation)
        raise UpstreamContractError(call.service, was_sent=True) from error
    except (ValueError, RecursionError) as error:
        reason = type(error).__name__
        log.error("upstream.bad_answer", service=call.service, operation=call.operation, reason=reason)  # noqa: TRY400 - its text quotes the answer
        raise UpstreamContractError(call.service, was_sent=True) from None
    except TimeoutError:
        log.error("upstream.slow_to_read", service=call.service, operation=call.operation)  # noqa: TRY400 - it says nothing
        raise UpstreamTimeoutError(call.service, was_sent=True) from None


def refusal(call: Call[Any], answer: UpstreamResponse) -> UpstreamError:
    """Returns the error that a status other than 2xx stands for."""
    service, status = call.service, answer.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UpstreamServerError(service, was_sent=True)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return UpstreamBusyError(service, was_sent=True, retry_after_seconds=retry_after_seconds(answer.headers))
    if status < HTTPStatus.BAD_REQUEST:
        log.error("upstream.redirect", service=service, operation=call.operation, status=status)
        return UpstreamContractError(service, was_sent=True)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        log.error("upstream.credential_refused", service=service, operation=call.operation, status=status)
    kinds: Mapping[int, type[UpstreamRejectedError]] = {404: UpstreamNotFoundError, 409: UpstreamConflictError}
    kind = kinds.get(status, UpstreamRejectedError)
    return kind(service, upstream_status=status, detail=_detail(answer.body))


def _detail(body: bytes) -> str | None:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return problem.detail or problem.title


def retry_after_seconds(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Returns `Retry-After` (RFC 9110, 10.2.3) in seconds, not clamped; None without a readable one."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 10 else math.inf
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())
