"""Who makes a request, found out once however often it is asked."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, cast

from django.core.signals import setting_changed
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.settings import api_settings

from gateway_clients.edge.access import Caller
from gateway_clients.edge.errors import UnauthenticatedError
from gateway_clients.edge.request_context import context_of

_KEPT: Final = "edge_caller"


def caller_of(request: HttpRequest) -> Caller | None:
    """Who the request's token belongs to, or None without one. Raises UnauthenticatedError for a bad token.

    Asks `DEFAULT_AUTHENTICATION_CLASSES` of DRF, each of which must take a plain HttpRequest.
    """
    kept = request.__dict__.get(_KEPT, _KEPT)
    if kept is _KEPT:
        kept = request.__dict__[_KEPT] = _found(request)
    if isinstance(kept, UnauthenticatedError):
        raise kept
    caller: Caller | None = kept
    return caller


def _found(request: HttpRequest) -> Caller | UnauthenticatedError | None:
    try:
        for authenticator in authenticators():
            found = authenticator.authenticate(request)
            if found is not None:
                caller: Caller = found[0]
                context_of(request).account_id = str(caller.pk)
                return caller
    except UnauthenticatedError as error:
        return error
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
