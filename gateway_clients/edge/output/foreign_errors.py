"""What Django, DRF and the database raise or answer by themselves, as the gateway's own errors; one mapping for all."""

from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django_ratelimit.exceptions import Ratelimited
from rest_framework import exceptions as drf

from gateway_clients.edge import errors as edge
from gateway_clients.errors import GatewayError

#: What is raised by others, and what it is here. First match wins; subclasses stand before their parents.
FOREIGN: Final[tuple[tuple[type[Exception], type[edge.ApiError]], ...]] = (
    (Http404, edge.NotFoundError),
    (Ratelimited, edge.RateLimitedError),
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
        edge.UnauthenticatedError,
        edge.AccessDeniedError,
        edge.NotFoundError,
        edge.MethodNotAllowedError,
        edge.NotAcceptableError,
        edge.TooLargeError,
        edge.UnsupportedMediaTypeError,
        edge.RateLimitedError,
        edge.TemporarilyUnavailableError,
    )
}
#: DRF's exceptions whose words may hold what was sent.
QUOTING: Final = (drf.ParseError, drf.MethodNotAllowed, drf.UnsupportedMediaType, drf.Throttled)


def known_error(error: Exception) -> edge.ApiError | GatewayError:
    """Returns an exception as one of the gateway's own errors; an internal error for an unforeseen one."""
    if isinstance(error, edge.ApiError | GatewayError):
        return error
    return translated(error) or edge.ApiError()


def translated(error: Exception) -> edge.ApiError | None:
    """Returns the edge's error that an exception of Django, DRF or the database stands for, or None."""
    if isinstance(error, drf.APIException):
        return _translated_of_drf(error)
    return next((own() for foreign, own in FOREIGN if isinstance(error, foreign)), None)


def _translated_of_drf(error: drf.APIException) -> edge.ApiError:
    """Returns the error that an exception of DRF stands for, a foreign one by its status. Its words are for portals.

    DRF itself turns 401 into 403 where no authenticator says how to sign in.
    """
    if isinstance(error, drf.ValidationError):
        return edge.BadUserInputError(errors=_field_errors(error.detail))
    other = edge.BadUserInputError if error.status_code < 500 else edge.ApiError
    own = BY_STATUS.get(error.status_code, other)
    words = str(error.detail)
    is_drfs = type(error).__module__ == drf.__name__ and words == str(error.default_detail)
    is_told = not is_drfs and not isinstance(error, QUOTING)
    sign_in: str | None = getattr(error, "auth_header", None)
    made = own(
        words if is_told else None,
        retry_after_seconds=getattr(error, "wait", None),
        headers={"WWW-Authenticate": sign_in} if sign_in else None,
    )
    vars(made)["status"] = error.status_code
    return made


def _field_errors(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """DRF's nested messages with one dotted name for each field: `items.0.amount`."""
    if isinstance(detail, dict):
        parts = list(detail.items())
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        parts = list(enumerate(detail))
    else:
        messages = detail if isinstance(detail, list) else [detail]
        return {prefix or "non_field_errors": [str(message) for message in messages]} if messages else {}
    errors: dict[str, list[str]] = {}
    for name, part in parts:
        errors |= _field_errors(part, f"{prefix}.{name}" if prefix else str(name))
    return errors
