"""What Django calls when no view answers: problems instead of its pages, except for staff."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views import defaults

from gateway_clients.edge.errors import AccessDeniedError, BadUserInputError, NotFoundError
from gateway_clients.edge.middleware import STAFF
from gateway_clients.edge.problems import internal_problem, problem_of


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400, or what the exception stands for."""
    if _is_for_staff(request):
        return defaults.bad_request(request, exception)
    return problem_of(exception, request) or problem_of(BadUserInputError(), request) or internal_problem(request)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """403."""
    if _is_for_staff(request):
        return defaults.permission_denied(request, exception)
    return problem_of(AccessDeniedError(), request) or internal_problem(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """404."""
    if _is_for_staff(request):
        return defaults.page_not_found(request, exception)
    return problem_of(NotFoundError(), request) or internal_problem(request)


def internal_error(request: HttpRequest) -> HttpResponseBase:
    """500."""
    if _is_for_staff(request):
        return defaults.server_error(request)
    return internal_problem(request)


def _is_for_staff(request: HttpRequest) -> bool:
    return request.path_info.startswith(STAFF)
