"""`/graphql`: GraphQL over HTTP, without batches or forms."""

from typing import Any, Final

import msgspec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from graphene_django.views import GraphQLView
from graphql import GraphQLSchema, is_abstract_type

from gateway_clients.edge.access.current_caller import caller_of
from gateway_clients.edge.errors import (
    ApiError,
    MethodNotAllowedError,
    RateLimitedError,
    TemporarilyUnavailableError,
    UnauthenticatedError,
)
from gateway_clients.edge.graphql.content_negotiation import media_type_of, wants_html
from gateway_clients.edge.graphql.documents import Documents
from gateway_clients.edge.graphql.errors import GRAPHQL_TYPE, JSON_TYPE, RequestRefusedError, refusal, refused_by_edge
from gateway_clients.edge.graphql.execution import Answer, carry_out
from gateway_clients.edge.graphql.operation import Operation
from gateway_clients.edge.graphql.parameters import parameters_of
from gateway_clients.edge.graphql.persisted import requested_sha256, requested_text
from gateway_clients.edge.graphql.shared_documents import shared_documents
from gateway_clients.edge.graphql.trusted_documents import is_trusted
from gateway_clients.edge.input.request_context import context_of
from gateway_clients.edge.output.headers import OwnHeadersResponse
from gateway_clients.edge.output.problems import problem_of, retry_after
from gateway_clients.instrumentation.tally import tally

METHODS: Final = ("GET", "HEAD", "POST")
#: The status of an answer with data and errors, as GraphQL over HTTP of September 2026 recommends it.
PARTIAL_SUCCESS: Final = (294, "Partial Success")


class GatewayGraphQLView(GraphQLView):
    """graphene-django's view and schema, with an executor of the gateway's own."""

    graphiql_template = "gateway/graphiql.html"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        schema: Any = self.schema
        _check_schema(schema.graphql_schema)
        self.documents = Documents(schema.graphql_schema)

    @classmethod
    def as_view(cls, **options: Any) -> Any:
        """One instance answers all requests: it holds the kept documents and nothing of
        any request.
        """
        view = cls(**options)
        return view.dispatch

    def dispatch(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Answers the request, renders GraphiQL for a browser, or refuses."""
        media_type = JSON_TYPE
        try:
            if request.method not in METHODS:
                raise MethodNotAllowedError(headers={"Allow": ", ".join(METHODS)})
            if settings.GRAPHIQL and request.method == "GET" and "query" not in request.GET and wants_html(request):
                return render(request, self.graphiql_template)
            media_type = media_type_of(request)
            return self._answered(request, media_type, is_known=caller_of(request) is not None)
        except RequestRefusedError as error:
            tally().add("graphql|unknown|refused")
            return refusal(error, request, media_type)
        except (UnauthenticatedError, RateLimitedError, TemporarilyUnavailableError) as error:
            return refused_by_edge(error, request, media_type)
        except ApiError as error:
            problem = problem_of(error, request)
            assert problem is not None
            return problem

    def _answered(self, request: HttpRequest, media_type: str, *, is_known: bool) -> HttpResponse:
        parameters = parameters_of(request)
        sha256, admit = requested_sha256(parameters.extensions), context_of(request).admit
        text = requested_text(self.documents, parameters.query, sha256, admit)
        is_to_keep = is_known
        if not self.documents.has(text):
            admit()
            is_to_keep = is_known or is_trusted(text)
        document = self.documents.get(text, is_to_keep=is_to_keep)
        if sha256 is not None and is_known:
            shared_documents().tell(sha256, text)
        operation = document.operation(parameters.operation_name)
        _check_method(operation, request)
        answer = carry_out(operation, parameters.variables, request)
        kind, outcome = "mutation" if operation.is_mutation else "query", "errors" if answer.errors else "ok"
        tally().add(f"graphql|{kind}|{outcome}")
        return _response(answer, media_type)


def _check_schema(schema: GraphQLSchema) -> None:
    """Raises ImproperlyConfigured for a schema with what is not carried out here."""
    names = sorted(kind.name for kind in schema.type_map.values() if is_abstract_type(kind))
    if names or schema.subscription_type is not None:
        what = ", ".join(names) or "subscriptions"
        raise ImproperlyConfigured(f"The GraphQL schema has {what}: there are no interfaces, unions or subscriptions")


def _check_method(operation: Operation, request: HttpRequest) -> None:
    """Refuses a mutation by GET. A query by POST gets the time budget of a read."""
    context = context_of(request)
    if not operation.is_mutation:
        context.deadline = context.deadline.sooner(settings.READ_BUDGET_SECONDS)
        return
    context.admit()
    if request.method != "POST":
        raise RequestRefusedError(
            ["A mutation needs a POST."],
            code=MethodNotAllowedError.code,
            status=405,
            is_transport=True,
            headers={"Allow": "POST"},
        )


def _response(answer: Answer, media_type: str) -> HttpResponse:
    response = OwnHeadersResponse(msgspec.json.encode(answer.body), content_type=media_type, headers=answer.headers)
    for mark in answer.marks:
        mark(response)
    if answer.limited is not None:
        response.status_code = answer.limited.status
        response.headers["Retry-After"] = str(retry_after(answer.limited))
        return response
    if answer.is_partial and media_type == GRAPHQL_TYPE:
        response.status_code, response.reason_phrase = PARTIAL_SUCCESS
    if answer.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(answer.retry_after_seconds)
    return response
