"""`/graphql`: GraphQL over HTTP, without batches, forms or cookies."""

from typing import Any, Final

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from graphene_django.views import GraphQLView

from gateway_clients.edge.current_caller import caller_of
from gateway_clients.edge.errors import ApiError, MethodNotAllowedError, UnauthenticatedError
from gateway_clients.edge.graphql.content_negotiation import media_type_of, wants_html
from gateway_clients.edge.graphql.documents import Documents, Operation
from gateway_clients.edge.graphql.errors import JSON_TYPE, RequestRefusedError, refusal, refused_by_edge
from gateway_clients.edge.graphql.execution import Answer, carry_out
from gateway_clients.edge.graphql.parameters import parameters_of
from gateway_clients.edge.graphql.persisted import is_trusted, requested_text
from gateway_clients.edge.headers import OwnHeadersResponse
from gateway_clients.edge.problems import problem_of, retry_after
from gateway_clients.edge.request_context import context_of

METHODS: Final = ("GET", "HEAD", "POST")


class GatewayGraphQLView(GraphQLView):
    """graphene-django's view and schema, with a way of its own from the request to the answer."""

    graphiql_template = "gateway/graphiql.html"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        schema: Any = self.schema
        self.documents = Documents(schema.graphql_schema)

    @classmethod
    def as_view(cls, **options: Any) -> Any:
        """One object answers all requests: it keeps nothing of any of them, and the documents of all."""
        view = cls(**options)
        return view.dispatch

    def dispatch(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """The answer, GraphiQL for a browser, or why not."""
        media_type = JSON_TYPE
        try:
            if request.method not in METHODS:
                raise MethodNotAllowedError(headers={"Allow": ", ".join(METHODS)})
            if settings.GRAPHIQL and request.method == "GET" and "query" not in request.GET and wants_html(request):
                return render(request, self.graphiql_template)
            media_type = media_type_of(request)
            return self._answered(request, media_type, is_known=caller_of(request) is not None)
        except RequestRefusedError as error:
            return refusal(error, request, media_type)
        except UnauthenticatedError as error:
            return refused_by_edge(error, request, media_type)
        except ApiError as error:
            problem = problem_of(error, request)
            assert problem is not None
            return problem

    def _answered(self, request: HttpRequest, media_type: str, *, is_known: bool) -> HttpResponse:
        parameters = parameters_of(request)
        text = requested_text(self.documents, parameters.query, parameters.extensions)
        is_to_keep = is_known
        if not self.documents.has(text):
            context_of(request).admit()
            is_to_keep = is_known or is_trusted(text)
        document = self.documents.get(text, is_to_keep=is_to_keep)
        operation = document.operation(parameters.operation_name)
        _check_method(operation, request)
        answer = carry_out(operation, parameters.variables, request)
        return _response(answer, media_type)


def _check_method(operation: Operation, request: HttpRequest) -> None:
    """A mutation is for POST alone; a query by POST has a read's time budget all the same."""
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
    if answer.limited is not None:
        response.status_code = answer.limited.status
        response.headers["Retry-After"] = str(retry_after(answer.limited))
    return response
