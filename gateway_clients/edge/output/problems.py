"""Every error as the problem document that a portal gets."""

import math
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Final

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import get_urlconf

from gateway_clients.edge import errors as edge
from gateway_clients.edge.input.wrapped_request import django_request
from gateway_clients.edge.output.foreign_errors import translated
from gateway_clients.edge.output.named_addresses import address_of
from gateway_clients.edge.output.view_models import ViewModel
from gateway_clients.errors import (
    DeadlineExceededError,
    ErrorCode,
    GatewayError,
    UpstreamError,
    UpstreamNotFoundError,
    UpstreamTimeoutError,
)

PROBLEM_TYPE: Final = "application/problem+json"
ERRORS_PAGE: Final = "/docs/errors"
#: The name of the address of a request's explanation, and what stands in it for the request's id.
EXPLANATION: Final = "admin:gateway_explain"
ANY_REQUEST: Final = "any-request"
#: The longest time after which a portal is told to try again.
LONGEST_RETRY_AFTER_SECONDS: Final = 86_400


class Problem(ViewModel, omit_defaults=True):
    """What went wrong (RFC 9457). `code` is stable; texts may change."""

    title: str
    status: int
    detail: str
    code: ErrorCode
    request_id: str
    type: Annotated[
        str, msgspec.Meta(description="The page that explains the code.", examples=["/docs/errors#not_found"])
    ] = ""
    instance: Annotated[
        str | None, msgspec.Meta(description="The explanation of the request at the gateway, open to staff alone.")
    ] = None
    errors: dict[str, list[str]] | None = None


def problem_of(error: Exception, request: HttpRequest) -> HttpResponse | None:
    """The answer for what was raised, or None: nobody foresaw it."""
    if isinstance(error, GatewayError):
        return _gateway_problem(error, request)
    known = error if isinstance(error, edge.ApiError) else translated(error)
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
    body: dict[str, Any] = {
        "type": page_of(problem.code),
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": problem.request_id,
    }
    if (instance := explanation_of(problem.request_id)) is not None:
        body["instance"] = instance
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


def page_of(code: str) -> str:
    """The address of the page that explains a code."""
    return f"{ERRORS_PAGE}#{code}"


def explanation_of(request_id: str) -> str | None:
    """The address of a request's explanation for staff; None where the gateway has no such page."""
    template = _explanation_template(get_urlconf() or settings.ROOT_URLCONF)
    return template.replace(ANY_REQUEST, request_id) if template and request_id else None


@cache
def _explanation_template(urlconf: str) -> str | None:
    return address_of(EXPLANATION, ANY_REQUEST, urlconf)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """DRF's exception handler, for its own views; ours call `problem_of` themselves."""
    return problem_of(error, django_request(context["request"]))


def internal_problem(request: HttpRequest) -> HttpResponse:
    """The answer to what nobody foresaw."""
    error = edge.ApiError
    return _response(request, status=error.status, code=error.code, title=error.title, detail=error.title)


def detail_of(error: GatewayError) -> str:
    """Returns the detail of an upstream's failure for portals: its service, never the upstream's words."""
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


def _response(
    request: HttpRequest,
    *,
    status: int,
    code: ErrorCode,
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
