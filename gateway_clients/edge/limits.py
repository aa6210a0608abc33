"""How often somebody may ask: counted with django-ratelimit for each address and user, and for sign-ins besides."""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from gateway_clients.edge.errors import RateLimitedError

#: Of `LOGIN_RATE_LIMIT_MAX`: how many sign-ins one address may try, and all together.
BY_ADDRESS: Final = 10
OVER_ALL: Final = 100


@dataclass(frozen=True, slots=True)
class Usage:
    """What is left of a limit. Times are seconds."""

    limit: int
    count: int
    window_seconds: int
    seconds_left: int

    @property
    def is_exceeded(self) -> bool:
        """Whether this request is one too many."""
        return self.count > self.limit

    @property
    def headers(self) -> dict[str, str]:
        """`RateLimit-Policy` and `RateLimit`, for every answer."""
        left = max(0, self.limit - self.count)
        return {
            "RateLimit-Policy": f'"default";q={self.limit};w={self.window_seconds}',
            "RateLimit": f'"default";r={left};t={self.seconds_left}',
        }


def count_request(request: HttpRequest, account_id: str | None) -> Usage:
    """Counts a request of this client and user. Raises RateLimitedError when it is one too many."""
    usage = _count(request, "api", f"{client_address(request)}|{account_id or ''}", settings.RATE_LIMIT_MAX)
    if usage.is_exceeded:
        raise RateLimitedError(retry_after_seconds=usage.seconds_left, headers=usage.headers)
    return usage


def count_sign_in(request: HttpRequest, email: str) -> None:
    """Counts a try to sign in, over whichever door. Raises RateLimitedError when it is one too many.

    The narrowest comes first, so that who is refused uses up nobody else's.
    """
    most = settings.LOGIN_RATE_LIMIT_MAX
    for group, value, limit in (
        ("sign-in-address", client_address(request), most * BY_ADDRESS),
        ("sign-in-email", email.strip().lower(), most),
        ("sign-in", "all", most * OVER_ALL),
    ):
        usage = _count(request, group, value, limit)
        if usage.is_exceeded:
            raise RateLimitedError(retry_after_seconds=usage.seconds_left)


def client_address(request: HttpRequest) -> str:
    """The client's address, as far as proxies that are trusted tell it; of IPv6 the /64 that one client has."""
    address = request.META.get("REMOTE_ADDR", "")
    trusted = settings.TRUSTED_PROXY_COUNT
    if trusted > 0:
        hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        address = hops[-min(trusted, len(hops))] if hops else address
    if ":" not in address:
        return str(address)
    try:
        return str(ipaddress.ip_network(f"{address}/64", strict=False).network_address)
    except ValueError:
        return str(request.META.get("REMOTE_ADDR", ""))


def _count(request: HttpRequest, group: str, value: str, limit: int) -> Usage:
    window: timedelta = settings.RATE_LIMIT_WINDOW
    window_seconds = max(1, int(window.total_seconds()))
    found = get_usage(
        request, group=group, key=lambda _group, _request: value, rate=(limit, window_seconds), increment=True
    )
    return Usage(
        limit=limit,
        count=found["count"],
        window_seconds=window_seconds,
        seconds_left=max(1, found["time_left"]),
    )
