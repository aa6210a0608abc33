"""Who of those that have come in gets a thread: after the body is there, before the database or Redis is asked."""

from functools import partial
from io import BytesIO
from typing import Final

from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from gateway_clients.edge.errors import ApiError, BadUserInputError
from gateway_clients.edge.graphql.errors import refused_by_edge
from gateway_clients.edge.graphql.persisted import may_write
from gateway_clients.edge.http.addresses import GRAPHQL, PROBES, STAFF
from gateway_clients.edge.http.middleware import GetResponse
from gateway_clients.edge.input.request_context import context_of
from gateway_clients.edge.input.request_headers import READS
from gateway_clients.edge.output.problems import internal_problem, problem_of
from gateway_clients.errors import GatewayOverloadedError
from gateway_clients.instrumentation.tally import tally
from gateway_clients.resilience.places import Kind, ThreadPlaces
from gateway_clients.runtime.singletons import process_singleton
from gateway_clients.runtime.start_gate import start_gate

#: Forms sent there are files, which are read as they come.
API: Final = "/api/"
FORM: Final = "multipart/form-data"
#: The share of its time within which a read must have started.
START_SHARE: Final = 0.75


@process_singleton
def thread_places() -> ThreadPlaces:
    """How this process's threads are shared out."""
    return ThreadPlaces(settings.THREADS)


class AdmissionMiddleware:
    """Reads a request's body, and takes a place among those of its kind for as long as it is answered.

    A body that is sent in chunks is read under the same limit as one whose length was told, and has that length then.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        places = thread_places()
        try:
            body = b"" if request.method in READS else _read_body(request)
            kind = _kind_of(request, body)
            has_place = _enter(places, kind)
        except (GatewayOverloadedError, ApiError) as error:
            return _refused(error, request)
        context = context_of(request)
        context.is_reserved, context.is_crowded = kind is Kind.RESERVED, not has_place
        leave = partial(places.leave, kind) if has_place else _nothing_to_leave
        gate = start_gate()
        try:
            if kind is Kind.READ and has_place and not gate.enter(context.deadline.remaining_seconds * START_SHARE):
                leave()
                tally().add(f"shed|{kind}")
                return _refused(GatewayOverloadedError(), request)
            response = self.get_response(request)
        except BaseException:
            leave()
            raise
        finally:
            gate.leave()
        if response.streaming:
            response._resource_closers.append(leave)  # type: ignore[attr-defined]  # called when it is closed
        else:
            leave()
        return response


def _enter(places: ThreadPlaces, kind: Kind) -> bool:
    """Takes a place; whether there was one. A read goes on without one while the others move on.

    It is answered from what is kept then, and holds its thread no longer than that takes.
    Raises GatewayOverloadedError.
    """
    try:
        places.enter(kind)
    except GatewayOverloadedError:
        if kind is Kind.READ and places.are_reads_moving:
            return False
        tally().add(f"shed|{kind}")
        raise
    return True


def _nothing_to_leave() -> None:
    """A request without a place has none to give back."""


def _kind_of(request: HttpRequest, body: bytes) -> Kind:
    path = request.path_info
    if path in PROBES:
        return Kind.PROBE
    if path.startswith(STAFF):
        return Kind.RESERVED
    if path == GRAPHQL:
        return Kind.RESERVED if may_write(body) else Kind.READ
    return Kind.READ if request.method in READS else Kind.RESERVED


def _read_body(request: HttpRequest) -> bytes:
    """The body, which may be read again after that; empty where it is too large, or a form to be read as it comes.

    Raises GatewayOverloadedError when too many wait for bodies, BadUserInputError when it ends early.
    """
    meta = request.META
    declared = meta.get("CONTENT_LENGTH") or ""
    is_chunked = not declared and bool(meta.get("HTTP_TRANSFER_ENCODING")) and bool(meta.get("wsgi.input_terminated"))
    if is_chunked and request.content_type == FORM:
        request.__dict__["_stream"] = meta["wsgi.input"]
    if request.content_type == FORM and request.path_info.startswith(API):
        return b""
    if not is_chunked and not (declared.isascii() and declared.isdigit() and 0 < _number(declared) <= _most_bytes()):
        return b""
    stream = meta["wsgi.input"] if is_chunked else request.__dict__["_stream"]
    try:
        body: bytes = stream.read(_most_bytes() + 1)
    except OSError:
        raise BadUserInputError("The body ended early") from None
    if is_chunked:
        meta["CONTENT_LENGTH"] = str(len(body))
    elif len(body) < int(declared):
        raise BadUserInputError("The body ended early")
    request.__dict__["_stream"] = BytesIO(body)
    return body


def _number(digits: str) -> int:
    return int(digits) if len(digits) <= 18 else 10**18


def _most_bytes() -> int:
    return int(settings.REQUEST_MAX_BYTES)


def _refused(error: GatewayOverloadedError | ApiError, request: HttpRequest) -> HttpResponseBase:
    if request.path_info == GRAPHQL:
        return refused_by_edge(error, request)
    return problem_of(error, request) or internal_problem(request)


def forget(**_: object) -> None:
    """Share out other threads, with other settings."""
    thread_places.cache_clear()


setting_changed.connect(forget)
