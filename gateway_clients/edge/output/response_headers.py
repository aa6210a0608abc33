"""What the edge adds to an answer on its way out: 304, gzip, and the headers that every answer carries."""

import gzip
import re
from collections.abc import Iterable
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from gateway_clients.edge.input.request_context import RequestContext
from gateway_clients.edge.output.headers import Header, put, put_missing, value_of
from gateway_clients.edge.output.negotiation import takes_gzip
from gateway_clients.edge.output.responses import cache_status_of
from gateway_clients.pipeline.pending_call import CallTiming

VARY: Final = "Authorization, Cookie, Origin, Accept-Encoding, Accept-Language"
#: What every answer carries, and what it carries unless its view says otherwise. No page of another origin may embed an
#: answer; one that CORS allows reads it all the same, since browsers look at the policy only where CORS was not asked.
ALWAYS: Final[tuple[Header, ...]] = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
USUALLY: Final[tuple[Header, ...]] = (("Referrer-Policy", "same-origin"), ("Cache-Control", "private, no-store"))
#: nginx as it is shipped takes a head of 16 kB, as it is by default one of 4 kB.
SERVER_TIMING_MAX_LENGTH: Final = 2_000
COMPRESSED_FROM_BYTES: Final = 200
COMPRESSIBLE: Final = re.compile(r"text/|application/(?:[a-z.+-]+\+)?(?:json|yaml|javascript|xml)|application/vnd\.oai")
GZIP_LEVEL: Final = 6
FORGETTABLE: Final = frozenset({"", "cookie", "origin"})


def finished(request: HttpRequest, response: HttpResponseBase, context: RequestContext) -> HttpResponseBase:
    """The answer as it leaves."""
    headers = response.headers
    if timings := context.timings:
        put(headers, ("Server-Timing", server_timing(timings)))
    if (status := cache_status_of(context.freshness, is_fresh_wanted=context.is_fresh_wanted)) is not None:
        put(headers, ("Cache-Status", status))
    if request.method in {"GET", "HEAD"} and is_known(request, response):
        response = _not_modified(response)
        headers = response.headers
    elif isinstance(response, HttpResponse):
        _compress(request, response)
        _measure(request, response)
    put(headers, ("X-Request-ID", context.request_id), *ALWAYS)
    put_missing(headers, *USUALLY)
    _vary(response)
    return response


def server_timing(timings: Iterable[CallTiming]) -> str:
    """`Server-Timing`: an entry for each upstream call, its operation and how it came about as the description.

    The first entries that fit into `SERVER_TIMING_MAX_LENGTH`, each of them whole: proxies refuse a large head.
    """
    value = ""
    for timing in timings:
        entry = (
            f'{timing.service};desc="{timing.operation} {timing.state}";dur={timing.milliseconds:.1f}{_ledger(timing)}'
        )
        longer = f"{value}, {entry}" if value else entry
        if len(longer) > SERVER_TIMING_MAX_LENGTH:
            break
        value = longer
    return value


def _ledger(timing: CallTiming) -> str:
    """How long the call might have taken, and what was left of the request's time behind it, in milliseconds."""
    if timing.planned_ms is None or timing.left_ms is None:
        return ""
    return f";planned={timing.planned_ms:.0f};left={timing.left_ms:.0f}"


def is_known(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether the portal has this very answer already (weak comparison)."""
    known = request.META.get("HTTP_IF_NONE_MATCH")
    if not known or response.status_code != 200:
        return False
    etag = response.headers.get("ETag", "").removeprefix("W/")
    return bool(etag) and (
        known.strip() == "*" or etag in {each.strip().removeprefix("W/") for each in known.split(",")}
    )


def _not_modified(response: HttpResponseBase) -> HttpResponseBase:
    bare = HttpResponseNotModified()
    del bare.headers["Content-Type"]
    for name, value in response.headers.items():
        if name.lower() not in {"content-type", "content-length", "content-encoding"}:
            bare.headers[name] = value
    bare.cookies = response.cookies
    return bare


def _compress(request: HttpRequest, response: HttpResponse) -> None:
    meta = request.META
    accepted = meta.get("HTTP_ACCEPT_ENCODING", "")
    if (
        not accepted
        or len(response.content) <= COMPRESSED_FROM_BYTES
        or "HTTP_X_NO_COMPRESSION" in meta
        or "Content-Encoding" in response.headers
        or not takes_gzip(accepted)
        or not COMPRESSIBLE.match(response.headers.get("Content-Type", ""))
    ):
        return
    response.content = gzip.compress(response.content, compresslevel=GZIP_LEVEL, mtime=0)
    response.headers["Content-Encoding"] = "gzip"


def _measure(request: HttpRequest, response: HttpResponse) -> None:
    if response.status_code != 204:
        put(response.headers, ("Content-Length", str(len(response.content))))
    if request.method == "HEAD":
        response.content = b""


def _vary(response: HttpResponseBase) -> None:
    if value_of(response.headers, "vary").lower() in FORGETTABLE:
        put(response.headers, ("Vary", VARY))
    else:
        patch_vary_headers(response, VARY.split(", "))
