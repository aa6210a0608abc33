"""Policies of Django REST framework as somebody writes them who does not know the gateway."""

from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle

from members.models import Account

calls: list[Any] = []


class Twice(AnonRateThrottle):
    """Lets nobody in particular ask twice a minute."""

    rate = "2/min"
    cache = LocMemCache("tests.doors", {})


class OnTuesdays(BasePermission):
    """Lets nobody."""

    message = "Come on Tuesday."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Never."""
        return False


class OfHeader(BaseAuthentication):
    """Takes whoever a header names."""

    def authenticate(self, request: Request) -> tuple[Account, None] | None:
        """The account, which is not in the database."""
        name = request.headers.get("X-Account")
        if name == "nobody":
            raise exceptions.AuthenticationFailed("There is no such account.")
        return None if name is None else (Account(pk=7, email=name, member_id="m-1"), None)

    def authenticate_header(self, request: Request) -> str:
        """How to sign in."""
        return 'Header realm="doors"'


class Lines(BaseRenderer):
    """A name and a value on each line."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> str:
        """The lines, and what DRF tells a renderer."""
        calls.append((accepted_media_type, renderer_context["view"].action))
        return "".join(f"{name},{value}\n" for name, value in data.items())
