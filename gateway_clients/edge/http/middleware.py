"""The way in and out of each request, outermost first: alive, edge, CORS, CSP, problems, limits, staff's needs."""

import time
from collections.abc import Callable
from typing import Any, Final, cast

from corsheaders.middleware import CorsMiddleware
from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

from gateway_clients.edge.access.current_caller import known_caller
from gateway_clients.edge.errors import ApiError, NotFoundError, OverloadedError, RateLimitedError
from gateway_clients.edge.graphql.errors import refused_by_edge
from gateway_clients.edge.http.health import ALIVE
from gateway_clients.edge.http.observation import observe
from gateway_clients.edge.http.targets import has_encoded_slash
from gateway_clients.edge.input.request_context import RequestContext, context_of
from gateway_clients.edge.input.request_headers import READS, context_from, know_empty_query
from gateway_clients.edge.output.headers import Header, put, put_missing, value_of
from gateway_clients.edge.output.negotiation import language_of
from gateway_clients.edge.output.problems import BY_STATUS, internal_problem, problem_of, retry_after
from gateway_clients.edge.output.response_headers import finished
from gateway_clients.edge.rate_limit import limits
from gateway_clients.instrumentation import logs
from gateway_clients.instrumentation.metrics import known_method, metrics
from gateway_clients.instrumentation.request_span import current_span
from gateway_clients.runtime.languages import current_language
from gateway_clients.tracing import finish

GetResponse = Callable[[HttpRequest], HttpResponseBase]

GRAPHQL: Final = "/graphql"
LIMITED: Final = ("/api/v1/", GRAPHQL)
UNLIMITED: Final = ("/api/v1/events", "/api/v1/schema")
STAFF: Final = "/admin/"
BUSY: Final = "<!doctype html><html lang=en><title>Busy</title><h1>Busy</h1><p>Nothing was done. Try again in a moment."
#: What the server's side says in the WSGI environment of a request whose cookies did not arrive.
COOKIES_LOST: Final = "gateway.cookies_lost"
LOST_COOKIES: Final = (
    "The cookies cannot be read: one of them has letters beyond ASCII. Remove it in the browser's settings."
)
#: What probes ask for, by the address of the machine or by none: their answers name no host.
PROBES: Final = frozenset({"/health", "/health/ready"})


#: Devices and abilities of browsers that no page here needs.
UNNEEDED: Final = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
    "gyroscope", "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
    "publickey-credentials-get", "screen-wake-lock", "usb", "xr-spatial-tracking",
)  # fmt: skip
OF_PAGES: Final[tuple[Header, ...]] = (
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", ", ".join(f"{name}=()" for name in UNNEEDED)),
)


class AliveMiddleware:
    """`/health/live`: that the process answers at all, before anything else is touched."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info == "/health/live":
            return HttpResponse(ALIVE, content_type="application/json", headers={"Cache-Control": "no-store"})
        return self.get_response(request)


class EdgeMiddleware:
    """Request id, time budget, headers, one log line and one metric for each request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        metrics()  # made before there are threads, so that there is one

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        know_empty_query(request)
        context = request.__dict__["edge"] = context_from(request)
        token = logs.request_id.set(context.request_id)
        language = current_language.set(language_of(request.META.get("HTTP_ACCEPT_LANGUAGE", "")))
        span = context.trace_context.span
        span_token = None if span is None else current_span.set(span)
        try:
            response = finished(request, self._answered(request), context)
            self._observe(request, response, context)
            return response
        finally:
            if span_token is not None:
                current_span.reset(span_token)
            current_language.reset(language)
            logs.request_id.reset(token)

    def _answered(self, request: HttpRequest) -> HttpResponseBase:
        if has_encoded_slash(request.META):
            return problem_of(NotFoundError(), request) or internal_problem(request)
        if request.path_info not in PROBES:
            try:
                request.get_host()
            except DisallowedHost as error:
                return problem_of(error, request) or internal_problem(request)
        return self.get_response(request)

    def _observe(self, request: HttpRequest, response: HttpResponseBase, context: RequestContext) -> None:
        match = request.resolver_match
        route = f"/{match.route}" if match is not None else "unmatched"
        seconds = time.perf_counter() - context.started_at
        method = request.method or ""
        metrics().request_finished(method=method, route=route, status=response.status_code, seconds=seconds)
        logs.log_request(
            method=known_method(method),
            route=route,
            status=response.status_code,
            seconds=seconds,
            account_id=context.account_id,
        )
        observe(request, response, context, route)
        if (span := context.trace_context.span) is not None:
            status, calls, trace = response.status_code, context.calls, context.trace
            finish(span, method=method, route=route, status=status, seconds=seconds, calls=calls, trace=trace)


class CrossOriginMiddleware(CorsMiddleware):
    """CORS, where a browser asks for it."""

    def __call__(self, request: HttpRequest) -> Any:
        if "HTTP_ORIGIN" not in request.META:
            return self.get_response(request)
        return super().__call__(request)


class PageMiddleware(CSPMiddleware):
    """What browsers hold a page to, where there is HTML.

    The content security policy is that of the settings; no page has inline scripts, so no nonces. A page shares its
    window with no other origin's, is framed by nobody, and may use none of the machine's devices.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = cast(HttpResponseBase, self.get_response(request))
        if not value_of(response.headers, "content-type").startswith("text/html"):
            return response
        put_missing(response.headers, *OF_PAGES)
        return self.process_response(request, response)


class ProblemMiddleware:
    """Turns what Django answers in HTML by itself into problems, except for staff's pages."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code < 400 or request.path_info.startswith(STAFF):
            return response
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        error = BY_STATUS.get(response.status_code, ApiError)(
            headers={name: value for name, value in response.headers.items() if name == "Allow"}
        )
        return problem_of(error, request) or response


class RateLimitMiddleware:
    """Counts what goes to the API, refusals too, before anything is done for it.

    A read by somebody who is known is counted in the round trip that looks for its answer; whatever the view has made
    of it, one too many is refused, unless the view found that it counts for nothing.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if not path.startswith(LIMITED) or path.startswith(UNLIMITED):
            return self.get_response(request)
        context = context_of(request)
        try:
            account_id = _account_id(request)
            context.count = limits.RequestCount(request, account_id)
            if account_id is None or not (request.method in READS or path == GRAPHQL):
                context.admit()
        except RateLimitedError as error:
            return _too_many(error, request)
        except Exception as error:
            problem = problem_of(error, request)
            if problem is None:
                raise
            return problem
        response = self.get_response(request)
        try:
            context.admit()
        except RateLimitedError as error:
            return _too_many(error, request)
        put(response.headers, *context.count.usage.headers.items())
        return response


def _too_many(error: RateLimitedError, request: HttpRequest) -> HttpResponseBase:
    if request.path_info.startswith(GRAPHQL):
        return refused_by_edge(error, request)
    return problem_of(error, request) or internal_problem(request)


def _account_id(request: HttpRequest) -> str | None:
    caller = known_caller(request)
    return None if caller is None else str(caller.pk)


class _ForStaff:
    """Makes a middleware of Django's touch staff's pages only."""

    def __call__(self, request: HttpRequest) -> Any:
        if not request.path_info.startswith(STAFF):
            return self.get_response(request)  # type: ignore[attr-defined]  # the middleware it is mixed into has it
        return self.for_staff(request)

    def for_staff(self, request: HttpRequest) -> Any:
        """The answer to a request of staff's."""
        return super().__call__(request)  # type: ignore[misc]  # the middleware it is mixed into has it


class StaffSessionMiddleware(_ForStaff, SessionMiddleware):
    """Sessions of staff. Cookies given over TLS are for TLS alone."""

    def for_staff(self, request: HttpRequest) -> Any:
        """Marks the cookies. Refuses cookies that the HTTP server has emptied, instead of taking staff for nobody."""
        if request.META.get(COOKIES_LOST):
            return HttpResponse(LOST_COOKIES, status=400, content_type="text/plain; charset=utf-8")
        response = super().for_staff(request)
        if request.is_secure():
            for cookie in response.cookies.values():
                cookie["secure"] = True
        return response


class StaffCsrfMiddleware(_ForStaff, CsrfViewMiddleware):
    """CSRF protection of staff's forms."""

    def process_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Checks staff's forms; the API takes no cookies."""
        return super().process_view(request, *args, **kwargs) if request.path_info.startswith(STAFF) else None


class StaffAuthenticationMiddleware(_ForStaff, AuthenticationMiddleware):
    """Who of staff is signed in."""


class StaffMessageMiddleware(_ForStaff, MessageMiddleware):
    """What staff is told after an action, or instead of it where too many ask for the same."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """503 or 429 for what was refused before anything was done; None for everything else."""
        if not (request.path_info.startswith(STAFF) and isinstance(error, OverloadedError | RateLimitedError)):
            return None
        return HttpResponse(BUSY, status=error.status, headers={"Retry-After": str(retry_after(error))})
