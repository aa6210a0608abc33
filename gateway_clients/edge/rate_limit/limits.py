"""How often somebody may ask: counted with django-ratelimit for each address and user."""

import ipaddress
import time
from datetime import timedelta
from functools import cache
from typing import Final, cast

import msgspec
from django.conf import settings
from django.core.cache import caches
from django.core.signals import setting_changed
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from gateway_clients.caching.counters import Count
from gateway_clients.caching.store import default_cache
from gateway_clients.edge.errors import RateLimitedError
from gateway_clients.edge.rate_limit.limiter_cache import DeferredCounter, LimiterCache, count_now
from gateway_clients.instrumentation.tally import tally

#: The group in which requests of the API are counted.
API: Final = "api"
#: Where a request keeps the account that it is counted for.
_ACCOUNT: Final = "rate_limit_account"
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
    """The window that a client and user are in: its counter, and when it ends, seconds since the epoch.

    `seen` is what the counter came to when this process last counted.
    """

    limit: int
    window_seconds: int
    key: str
    life_seconds: int
    ends_at: int
    seen: int = 0


def api_rate(_group: str, _request: HttpRequest) -> tuple[int, int]:
    """The rate of the API, as django-ratelimit takes it: how many in how many seconds."""
    return settings.RATE_LIMIT_MAX, window_seconds()


def client_key(_group: str, request: HttpRequest) -> str:
    """By whom the API counts, as django-ratelimit takes it: address and account."""
    return f"{client_address(request)}|{request.__dict__.get(_ACCOUNT, '')}"


class RequestCount:
    """A request of a client and user, counted once: `count` goes to Redis with something else, or at `finish`."""

    def __init__(self, request: HttpRequest, account_id: str | None) -> None:
        self._now = int(time.time())
        request.__dict__[_ACCOUNT] = account_id or ""
        self._window = window = _window(request, client_key(API, request), self._now)
        self.count = Count(
            window.key,
            life_seconds=window.life_seconds,
            limit=window.limit,
            likely_exceeds=window.seen >= window.limit,
        )

    def waive_once(self, name: str, seconds: int) -> None:
        """Counts nothing for this request where it is the first under that name for so many seconds."""
        key = caches[settings.RATELIMIT_USE_CACHE].make_key(f"look:{name}")
        if count_now(Count(key, life_seconds=seconds)) == 1:
            self.forgive()

    def forgive(self) -> None:
        """Counts nothing for this request, or takes back what was counted in the round trip of its look."""
        if self.count.value is not None:
            if default_cache().take_back(self.count):
                self._window.seen = self.count.value
            else:
                self._window.seen = count_now(Count(self._window.key, life_seconds=self._window.life_seconds, by=-1))
        self.count.waive(self._window.seen)

    def finish(self) -> None:
        """Counts it, unless that was done or is waived. Raises RateLimitedError when it is one too many."""
        self._window.seen = count_now(self.count)
        if self.count.is_exceeded:
            usage = self.usage
            tally().add("limit|api")
            raise RateLimitedError(retry_after_seconds=usage.seconds_left, headers=usage.headers)

    @property
    def usage(self) -> Usage:
        """The rest of the limit, once the request is counted."""
        return Usage(
            limit=self._window.limit,
            count=self.count.value or 0,
            window_seconds=self._window.window_seconds,
            seconds_left=max(1, self._window.ends_at - self._now),
        )


_windows: Final[dict[str, _Window]] = {}


def _window(request: HttpRequest, value: str, now: int) -> _Window:
    """Returns the window that a caller's request counts in; django-ratelimit is asked once for each window."""
    window = _windows.get(value)
    if window is None or now >= window.ends_at:
        usage, counter = counter_of(request, API, value, settings.RATE_LIMIT_MAX)
        window = _Window(usage.limit, usage.window_seconds, counter.key, counter.life_seconds, now + usage.seconds_left)
        if len(_windows) >= MOST_WINDOWS:
            _windows.clear()
        _windows[value] = window
    return window


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


def window_seconds() -> int:
    """How long a window is."""
    window: timedelta = settings.RATE_LIMIT_WINDOW
    return max(1, int(window.total_seconds()))


def counter_of(request: HttpRequest, group: str, value: str, limit: int) -> tuple[Usage, DeferredCounter]:
    """The counter that django-ratelimit has for this value in the present window, which is not counted yet."""
    seconds = window_seconds()
    counters = cast(LimiterCache, caches[settings.RATELIMIT_USE_CACHE])
    with counters.deferred() as counter:
        found = get_usage(
            request, group=group, key=lambda _group, _request: value, rate=(limit, seconds), increment=True
        )
    seconds_left = max(1, found["time_left"])
    usage = Usage(limit=limit, count=found["count"], window_seconds=seconds, seconds_left=seconds_left)
    return usage, counter


def forget(**_: object) -> None:
    """Count in other windows, with other settings."""
    _windows.clear()
    _trusted_proxies.cache_clear()


setting_changed.connect(forget)
