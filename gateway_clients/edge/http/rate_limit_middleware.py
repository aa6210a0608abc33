"""Where requests are counted against their rate limits, and one too many is refused."""

from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from gateway_clients.edge.access.current_caller import known_caller
from gateway_clients.edge.errors import RateLimitedError
from gateway_clients.edge.graphql.errors import refused_by_edge
from gateway_clients.edge.http.addresses import GRAPHQL
from gateway_clients.edge.http.middleware import GetResponse
from gateway_clients.edge.input.request_context import context_of
from gateway_clients.edge.input.request_headers import READS
from gateway_clients.edge.output.headers import put
from gateway_clients.edge.output.problems import internal_problem, problem_of
from gateway_clients.edge.rate_limit import limits

LIMITED: Final = ("/api/v1/", GRAPHQL)
UNLIMITED: Final = ("/api/v1/events", "/api/v1/schema")


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
