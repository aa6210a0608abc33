"""The way in and out of each request, outermost first: alive, edge, CORS, CSP, problems."""

import time
from collections.abc import Callable
from typing import Any, Final, cast

from corsheaders.middleware import CorsMiddleware
from csp.middleware import CSPMiddleware
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from gateway_clients.edge.errors import ApiError, NotFoundError
from gateway_clients.edge.http.addresses import PROBES, STAFF
from gateway_clients.edge.http.health import ALIVE
from gateway_clients.edge.http.observation import observe
from gateway_clients.edge.http.targets import has_encoded_slash
from gateway_clients.edge.input.request_context import RequestContext
from gateway_clients.edge.input.request_headers import context_from, know_empty_query
from gateway_clients.edge.output.foreign_errors import BY_STATUS
from gateway_clients.edge.output.headers import Header, put_missing, value_of
from gateway_clients.edge.output.negotiation import language_of
from gateway_clients.edge.output.problems import internal_problem, problem_of
from gateway_clients.edge.output.response_headers import finished
from gateway_clients.instrumentation import logs
from gateway_clients.instrumentation.metrics import known_method, metrics
from gateway_clients.instrumentation.request_span import current_span
from gateway_clients.runtime.languages import current_language
from gateway_clients.tracing import finish

GetResponse = Callable[[HttpRequest], HttpResponseBase]

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
