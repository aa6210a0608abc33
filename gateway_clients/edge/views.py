"""The base of every REST view: denied by default, checked before anything is called, answered with view models.

class ClaimsViewSet(GatewayViewSet):
    @shows(ClaimPage, parameters=PAGE_PARAMETERS)
    @allowed(Resource.MEMBER_CLAIMS)
    def list(self, request: Request, member_id: str) -> HttpResponse:
        page = page_of(request.query_params)
        return self.answer(claim_page(self.gateway, member_id, scope=self.scope, page=page))
"""

from collections.abc import Sequence
from functools import wraps
from typing import Any, Final, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from gateway_clients.edge.access import EVERYTHING, Caller, Scope
from gateway_clients.edge.current_caller import authenticators, caller_of
from gateway_clients.edge.django_request import django_request
from gateway_clients.edge.errors import AccessDeniedError, MethodNotAllowedError, UnauthenticatedError
from gateway_clients.edge.negotiation import ANY, Negotiation, accept_of, best_type
from gateway_clients.edge.openapi import shown_types
from gateway_clients.edge.parameters import check_names, declared_names
from gateway_clients.edge.parsers import StrictJSONParser, json_body
from gateway_clients.edge.problems import problem_of
from gateway_clients.edge.request_context import context_of
from gateway_clients.edge.responses import model_answer, sections_answer
from gateway_clients.edge.rules import rule_of
from gateway_clients.edge.view_models import ViewModel
from gateway_clients.gateway import CompositeView, Gateway

#: What DRF makes anew for each request, though it keeps nothing of any.
PARSERS: Final = (StrictJSONParser(),)
NEGOTIATOR: Final = Negotiation()


class GatewayViewSet(ViewSet):
    """A viewset whose actions each say who may call them (`allowed`, `signed_in`, `open_to_all`)."""

    parser_classes = (StrictJSONParser,)
    scope: Scope = EVERYTHING

    @classmethod
    def as_view(cls, actions: Any = None, **initkwargs: Any) -> Any:
        """DRF's view, but that no object of it refers to itself, so that it is gone with its request."""
        described = super().as_view(actions, **initkwargs)
        action_map = {"head": actions["get"], **actions} if "get" in actions else actions

        @wraps(described)
        def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            self = cls(**initkwargs)
            self.action_map = action_map
            return self.dispatch(request, *args, **kwargs)

        return view

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The action's answer, or the problem that it or the checks before it raised.

        Shorter than DRF's: answers are bytes already, and every answer's headers are the middleware's.
        """
        self.args, self.kwargs = args, kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers: dict[str, str] = {}
        try:
            self.initial(self.request, *args, **kwargs)
            response: HttpResponseBase = getattr(self, self.action)(self.request, *args, **kwargs)
        except Exception as error:
            problem = problem_of(error, request)
            if problem is None:
                raise
            return problem
        return response

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Finds the action, and gives DRF's request what it makes of a body or a token if it is asked for them."""
        self.action = self.action_map.get((request.method or "").lower(), "")
        made = Request(request, parsers=PARSERS, authenticators=authenticators(), negotiator=NEGOTIATOR)
        made.parser_context.clear()  # refers to the request itself; the parser does not look at it
        return made

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Method, form of the answer, token, access rule, names in the query: in this order, before the action."""
        action = getattr(self, self.action, None)
        if action is None:
            raise MethodNotAllowedError(headers={"Allow": ", ".join(sorted(self.action_map)).upper()})
        given = django_request(request)
        _check_accept(given, shown_types(action))
        rule = rule_of(action)
        if rule is None:
            raise AccessDeniedError
        if not rule.is_open:
            caller = caller_of(given)
            if caller is None:
                raise UnauthenticatedError
            request.user = cast(Any, caller)  # DRF knows accounts alone
            self.scope = rule.scope(caller, kwargs, request.query_params)
        if given.GET:
            check_names(given.GET, declared_names(action))

    @property
    def caller(self) -> Caller:
        """Who is signed in."""
        return cast(Caller, self.request.user)

    @property
    def gateway(self) -> Gateway:
        """The typed clients of this request."""
        return context_of(django_request(self.request)).gateway

    def body(self) -> dict[str, Any]:
        """The JSON object that was sent. Raises as `json_body` does."""
        return json_body(django_request(self.request))

    def checked(self, serializer_class: type[serializers.BaseSerializer[Any]]) -> dict[str, Any]:
        """The JSON object that was sent, checked. Raises ValidationError, and as `body` does."""
        serializer = serializer_class(data=self.body())
        serializer.is_valid(raise_exception=True)
        checked: dict[str, Any] = serializer.validated_data
        return checked

    def answer(self, model: ViewModel, *, status: int = 200) -> HttpResponse:
        """A view model as JSON."""
        return model_answer(model, status=status)

    def answer_view(self, view: CompositeView) -> HttpResponse:
        """A view made of sections: each by its name, and `meta`. Raises as `CompositeView.sections` does."""
        return sections_answer(view.sections())


def _check_accept(request: HttpRequest, shown: Sequence[str]) -> None:
    """Raises NotAcceptableError when the portal takes none of the types that the action shows.

    Which of several a file is of is known only when it is found, and is not the portal's to choose.
    """
    accept = accept_of(request)
    if accept not in {"", ANY}:
        best_type(accept, shown)
