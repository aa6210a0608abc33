"""Hosts that the gateway answers for, each checked once: Django's check takes a fortieth of a kept answer."""

from typing import Final

from django.core.signals import setting_changed
from django.http import HttpRequest

MAX_KEPT: Final = 256

_known: Final[set[tuple[str | None, str]]] = set()


def check_host(request: HttpRequest) -> None:
    """Raises DisallowedHost for a host that is not one of `ALLOWED_HOSTS`, or is none at all."""
    meta = request.META
    host = meta.get("HTTP_HOST")
    if host is None:
        request.get_host()
        return
    asked = (meta.get("HTTP_X_FORWARDED_HOST"), host)
    if asked in _known:
        return
    request.get_host()
    if len(_known) >= MAX_KEPT:
        _known.clear()
    _known.add(asked)


def forget(**_: object) -> None:
    """Check each host anew, with other settings."""
    _known.clear()


setting_changed.connect(forget)
