"""How often somebody may ask: counted with django-ratelimit for each address and user, and for sign-ins besides."""

import ipaddress
import time
from datetime import timedelta
from functools import cache
from typing import Any, Final, cast

import msgspec
from django.conf import settings
from django.core.cache import caches
from django.core.signals import setting_changed
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from gateway_clients.edge.errors import RateLimitedError
from gateway_clients.edge.limiter_cache import Count, LimiterCache
from gateway_clients.redis_access.script import ScriptCall

#: Of `LOGIN_RATE_LIMIT_MAX`: how many sign-ins one address may try, and all together.
BY_ADDRESS: Final = 10
OVER_ALL: Final = 100
#: Windows that are remembered, of as many clients and users.
MOST_WINDOWS: Final = 10_000
#: Letters that are read of what stands in an address's place.
MOST_LETTERS: Final = 64


class Usage(msgspec.Struct, frozen=True, kw_only=True):
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


class _Window(msgspec.Struct):
    """The window that a client and user are in: what is counted, and when it ends, seconds since the epoch.

    `seen`: what it came to when this process last counted.
    """

    limit: int
    window_seconds: int
    count: Count
    ends_at: int
    seen: int = 0


class RequestCount:
    """A request of a client and user, counted once: in the round trip of something else, or when it is settled."""

    def __init__(self, request: HttpRequest, account_id: str | None) -> None:
        self._now = int(time.time())
        self._window = _window(request, f"{client_address(request)}|{account_id or ''}", self._now)
        self._count: int | None = None

    @property
    def pending_command(self) -> ScriptCall | None:
        """What is to be asked of Redis; None once it was."""
        return self._window.count.call if self._count is None else None

    @property
    def likely_refused(self) -> bool:
        """Whether it is likely one too many."""
        return self._count is None and self._window.seen >= self._window.limit

    def take(self, answer: Any) -> None:
        """How many requests there were, with this one."""
        self._count = self._window.seen = int(answer)

    def finish(self) -> None:
        """Counts it, unless that was done. Raises RateLimitedError when it is one too many."""
        count = self._count
        if count is None:
            count = self._window.count.run()
            self.take(count)
        if count > self._window.limit:
            usage = self.usage
            raise RateLimitedError(retry_after_seconds=usage.seconds_left, headers=usage.headers)

    @property
    def usage(self) -> Usage:
        """What is left, once it is settled."""
        return Usage(
            limit=self._window.limit,
            count=self._count or 0,
            window_seconds=self._window.window_seconds,
            seconds_left=max(1, self._window.ends_at - self._now),
        )


_windows: Final[dict[str, _Window]] = {}


def _window(request: HttpRequest, value: str, now: int) -> _Window:
    """What a request of theirs counts in; django-ratelimit, which makes the same of it each time, is asked once."""
    window = _windows.get(value)
    if window is None or now >= window.ends_at:
        counters = cast(LimiterCache, caches[settings.RATELIMIT_USE_CACHE])
        with counters.noting() as noted:
            usage = _count(request, "api", value, settings.RATE_LIMIT_MAX)
        window = _Window(usage.limit, usage.window_seconds, noted.count, now + usage.seconds_left)
        if len(_windows) >= MOST_WINDOWS:
            _windows.clear()
        _windows[value] = window
    return window


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
    """The client's address, as far as proxies that are trusted tell it; of IPv6 the /64 that one client has.

    One client has one, in whatever form it is written: IPv4 within IPv6, with a port, in brackets or quotes. What is no
    address at all stands for itself, so that two clients whose proxy hides their addresses do not share a count.
    """
    address = request.META.get("REMOTE_ADDR", "")
    trusted = _trusted_proxies()
    if trusted > 0:
        hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        address = hops[-min(trusted, len(hops))] if hops else address
    return _one_form(address)


def _one_form(written: str) -> str:
    host = written.strip('"')
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return written[:MOST_LETTERS].lower()
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)


@cache
def _trusted_proxies() -> int:
    return int(settings.TRUSTED_PROXY_COUNT)


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


def forget(**_: object) -> None:
    """Count in other windows, with other settings."""
    _windows.clear()
    _trusted_proxies.cache_clear()


setting_changed.connect(forget)
