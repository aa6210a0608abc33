"""Every error as the problem document that a portal gets; one mapping for all that may be raised."""

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions as drf

from gateway_clients.edge import errors as edge
from gateway_clients.edge.django_request import django_request
from gateway_clients.edge.view_models import ViewModel
from gateway_clients.errors import (
    DeadlineExceededError,
    GatewayError,
    UpstreamError,
    UpstreamNotFoundError,
    UpstreamTimeoutError,
)

PROBLEM_TYPE: Final = "application/problem+json"
#: The longest time after which a portal is told to try again.
LONGEST_RETRY_AFTER_SECONDS: Final = 86_400


class Problem(ViewModel, omit_defaults=True):
    """What went wrong (RFC 9457). `code` is stable; texts may change."""

    title: str
    status: int
    detail: str
    code: str
    request_id: str
    type: str = "about:blank"
    errors: dict[str, list[str]] | None = None


#: What is raised by others, and what it is here. First match wins; subclasses stand before their parents.
FOREIGN: Final[tuple[tuple[type[Exception], type[edge.ApiError]], ...]] = (
    (drf.NotAuthenticated, edge.UnauthenticatedError),
    (drf.AuthenticationFailed, edge.UnauthenticatedError),
    (drf.PermissionDenied, edge.AccessDeniedError),
    (drf.NotFound, edge.NotFoundError),
    (drf.MethodNotAllowed, edge.MethodNotAllowedError),
    (drf.NotAcceptable, edge.NotAcceptableError),
    (drf.UnsupportedMediaType, edge.UnsupportedMediaTypeError),
    (drf.Throttled, edge.RateLimitedError),
    (drf.ParseError, edge.BadUserInputError),
    (drf.ValidationError, edge.BadUserInputError),
    (Http404, edge.NotFoundError),
    (PermissionDenied, edge.AccessDeniedError),
    (RequestDataTooBig, edge.TooLargeError),
    (SuspiciousOperation, edge.BadUserInputError),
    (OperationalError, edge.TemporarilyUnavailableError),
    (InterfaceError, edge.TemporarilyUnavailableError),
)

#: What Django answers by itself, by status; anything else is an internal error.
BY_STATUS: Final[Mapping[int, type[edge.ApiError]]] = {
    error.status: error
    for error in (
        edge.BadUserInputError,
        edge.AccessDeniedError,
        edge.NotFoundError,
        edge.MethodNotAllowedError,
        edge.TooLargeError,
        edge.RateLimitedError,
    )
}


def problem_of(error: Exception, request: HttpRequest) -> HttpResponse | None:
    """The answer for what was raised, or None: nobody foresaw it."""
    if isinstance(error, GatewayError):
        return _gateway_problem(error, request)
    known = error if isinstance(error, edge.ApiError) else _translated(error)
    if known is None:
        return None
    response = _response(
        request,
        status=known.status,
        code=known.code,
        title=known.title,
        detail=known.detail,
        errors={name: list(messages) for name, messages in known.errors.items()} if known.errors else None,
        retry_after_seconds=known.retry_after_seconds,
    )
    for name, value in known.headers.items():
        response.headers[name] = value
    return response


def known_error(error: Exception) -> edge.ApiError | GatewayError:
    """What was raised as one of the gateway's own errors; an internal error for what nobody foresaw."""
    if isinstance(error, edge.ApiError | GatewayError):
        return error
    return _translated(error) or edge.ApiError()


def retry_after(error: edge.ApiError | GatewayError) -> int | None:
    """The whole seconds of its `Retry-After`; None: no such header."""
    return _whole_seconds(error.status, error.retry_after_seconds)


def _whole_seconds(status: int, seconds: float | None) -> int | None:
    """The whole seconds of a `Retry-After`, from 1 to a day whatever they were made of; None: no such header."""
    if seconds is None:
        return 1 if status == 503 else None
    return math.ceil(min(max(1.0, seconds), LONGEST_RETRY_AFTER_SECONDS))


def problem_from(error: edge.ApiError, request_id: str) -> Problem:
    """The problem document of one of the edge's own errors, to be kept and answered again."""
    return Problem(title=error.title, status=error.status, detail=error.detail, code=error.code, request_id=request_id)


def problem_answer(problem: Problem, *, retry_after_seconds: float | None = None) -> HttpResponse:
    """A problem document as an answer, with the headers that its status asks for."""
    body = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": problem.request_id,
    }
    if problem.errors:
        body["errors"] = problem.errors
    status = problem.status
    response = HttpResponse(msgspec.json.encode(body), status=status, content_type=PROBLEM_TYPE)
    wait_seconds = _whole_seconds(status, retry_after_seconds)
    if wait_seconds is not None:
        response.headers["Retry-After"] = str(wait_seconds)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status != 500:
        response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own mark; the edge logs every request
    return response


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """DRF's exception handler, for its own views; ours call `problem_of` themselves."""
    return problem_of(error, django_request(context["request"]))


def internal_problem(request: HttpRequest) -> HttpResponse:
    """The answer to what nobody foresaw."""
    error = edge.ApiError
    return _response(request, status=error.status, code=error.code, title=error.title, detail=error.title)


def detail_of(error: GatewayError) -> str:
    """What a portal is told of an upstream's failure: whose it is, never its own words."""
    if not isinstance(error, UpstreamError) or isinstance(error, UpstreamNotFoundError | DeadlineExceededError):
        return error.title
    service = f"{error.service.capitalize()} service"
    if isinstance(error, UpstreamTimeoutError):
        return f"{service} did not answer in time"
    return f"{service} temporarily unavailable" if error.status == 503 else error.title


def _gateway_problem(error: GatewayError, request: HttpRequest) -> HttpResponse:
    return _response(
        request,
        status=error.status,
        code=error.code,
        title=error.title,
        detail=detail_of(error),
        retry_after_seconds=error.retry_after_seconds,
    )


def _translated(error: Exception) -> edge.ApiError | None:
    for foreign, own in FOREIGN:
        if isinstance(error, foreign):
            errors = _field_errors(error.detail) if isinstance(error, drf.ValidationError) else None
            return own(errors=errors)
    return None


def _field_errors(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """DRF's nested messages with one dotted name for each field: `items.0.amount`."""
    if isinstance(detail, dict):
        pairs = [(f"{prefix}.{name}" if prefix else str(name), value) for name, value in detail.items()]
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        pairs = [(f"{prefix}.{number}", value) for number, value in enumerate(detail)]
    else:
        messages = detail if isinstance(detail, list) else [detail]
        return {prefix or "non_field_errors": [str(message) for message in messages]} if messages else {}
    return {name: messages for key, value in pairs for name, messages in _field_errors(value, key).items()}


def _response(
    request: HttpRequest,
    *,
    status: int,
    code: str,
    title: str,
    detail: str,
    errors: dict[str, list[str]] | None = None,
    retry_after_seconds: float | None = None,
) -> HttpResponse:
    context = request.__dict__.get("edge")
    problem = Problem(
        title=title,
        status=status,
        detail=detail,
        code=code,
        request_id=context.request_id if context is not None else "",
        errors=errors or None,
    )
    return problem_answer(problem, retry_after_seconds=retry_after_seconds)
