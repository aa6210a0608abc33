"""Who makes a request, found out once however often it is asked."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, cast

from django.core.signals import setting_changed
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.settings import api_settings

from gateway_clients.edge.access.resources import Caller, Role
from gateway_clients.edge.errors import ApiError, UnauthenticatedError
from gateway_clients.edge.input.request_context import context_of

_KEPT: Final = "edge_caller"


def caller_of(request: HttpRequest) -> Caller | None:
    """Returns the caller of the request's token, None without one.

    Raises ApiError's kinds for one who is not known for sure: UnauthenticatedError for a bad token or session,
    CsrfFailedError, BadUserInputError for both at once.

    Asks `DEFAULT_AUTHENTICATION_CLASSES` of DRF, which get a request of DRF's; one that says of itself that it
    `takes_any_request` is spared it.
    """
    kept = request.__dict__.get(_KEPT, _KEPT)
    if kept is _KEPT:
        kept = request.__dict__[_KEPT] = _found(request)
    if isinstance(kept, ApiError):
        raise kept
    caller: Caller | None = kept
    return caller


def known_caller(request: HttpRequest) -> Caller | None:
    """Returns the caller; None where `caller_of` would raise."""
    try:
        return caller_of(request)
    except ApiError:
        return None


def _found(request: HttpRequest) -> Caller | ApiError | None:
    try:
        for authenticator in authenticators():
            takes_any = getattr(authenticator, "takes_any_request", False)
            found = authenticator.authenticate(request if takes_any else Request(request))
            if found is not None:
                caller: Caller = found[0]
                context = context_of(request)
                context.account_id = str(caller.pk)
                context.may_revalidate = Role.PROVIDER not in caller.roles
                return caller
    except ApiError as error:
        return error
    except AuthenticationFailed as error:
        return UnauthenticatedError(str(error.detail))
    return None


@cache
def authenticators() -> Sequence[Any]:
    """One of each class; they keep nothing of a request."""
    classes = cast(Sequence[type[BaseAuthentication]], api_settings.DEFAULT_AUTHENTICATION_CLASSES)
    return tuple(authentication() for authentication in classes)


def forget(**_: object) -> None:
    """Read the classes anew the next time somebody asks."""
    authenticators.cache_clear()


setting_changed.connect(forget)
