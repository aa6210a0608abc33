"""What Django calls when no view answers: problems instead of its pages, except for staff."""

import sys
from typing import Final

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views import defaults

from gateway_clients.edge.errors import AccessDeniedError, BadUserInputError, NotFoundError
from gateway_clients.edge.http.addresses import STAFF
from gateway_clients.edge.output.problems import internal_problem, problem_of

DATABASE_DOWN: Final = (
    "<!doctype html><html lang=en><title>Temporarily unavailable</title>"
    "<h1>Temporarily unavailable</h1><p>The database does not answer. Try again in a moment.</p>"
)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400, or what the exception stands for."""
    if _is_for_staff(request):
        return defaults.bad_request(request, exception)
    return problem_of(exception, request) or problem_of(BadUserInputError(), request) or internal_problem(request)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """403, or what the exception stands for: 429 where a limit of django-ratelimit's is used up."""
    if _is_for_staff(request):
        return defaults.permission_denied(request, exception)
    return problem_of(exception, request) or problem_of(AccessDeniedError(), request) or internal_problem(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answers 404 as a problem."""
    if _is_for_staff(request):
        return defaults.page_not_found(request, exception)
    return problem_of(NotFoundError(), request) or internal_problem(request)


def internal_error(request: HttpRequest) -> HttpResponseBase:
    """500, or 503 where the database does not answer. Django calls it while it handles the exception."""
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError | InterfaceError):
        if _is_for_staff(request):
            return HttpResponse(DATABASE_DOWN, status=503, headers={"Retry-After": "1"})
        return problem_of(error, request) or internal_problem(request)
    if _is_for_staff(request):
        return defaults.server_error(request)
    return internal_problem(request)


def _is_for_staff(request: HttpRequest) -> bool:
    return request.path_info.startswith(STAFF)
