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
from typing import Any, ClassVar, Final, NoReturn, cast

import msgspec
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from gateway_clients.edge.access.current_caller import authenticators, caller_of
from gateway_clients.edge.access.permission import HasAccessRule, rule_in_force
from gateway_clients.edge.access.resources import EVERYTHING, Caller, Scope
from gateway_clients.edge.access.rules import AccessRule, rule_of
from gateway_clients.edge.disclosure.shown import Origin, Shown, origin_of
from gateway_clients.edge.errors import AccessDeniedError, ApiError, MethodNotAllowedError, UnauthenticatedError
from gateway_clients.edge.input.parameters import check_names, declared_names
from gateway_clients.edge.input.parsers import StrictJSONParser, json_body
from gateway_clients.edge.input.request_context import context_of
from gateway_clients.edge.input.wrapped_request import django_request
from gateway_clients.edge.openapi.operations import deprecation_of, shown_types
from gateway_clients.edge.output.headers import put
from gateway_clients.edge.output.negotiation import ANY, Negotiation, accept_of, best_type
from gateway_clients.edge.output.problems import problem_of
from gateway_clients.edge.output.responses import JSON_TYPE, model_answer, sections_answer
from gateway_clients.edge.output.sections import labelled
from gateway_clients.edge.output.view_models import ViewModel, meta_of
from gateway_clients.edge.rest.policies import has_shipped, has_shipped_policies, own_hooks
from gateway_clients.edge.rest.recorded_answers import record_answer, record_refused
from gateway_clients.edge.rest.unchanged_answers import forgive_unchanged
from gateway_clients.errors import GatewayError
from gateway_clients.gateway import CompositeView, Gateway
from gateway_clients.pipeline.pending_value import PendingValue
from gateway_clients.pipeline.section import Section

#: What DRF makes anew for each request, though it keeps nothing of any.
PARSERS: Final = (StrictJSONParser(),)
NEGOTIATOR: Final = Negotiation()


class GatewayViewSet(ViewSet):
    """A viewset whose actions each say who may call them (`allowed`, `signed_in`, `open_to_all`).

    Policies of DRF's that are set on it, or for all views in the settings, take effect; one that takes them all as
    they are shipped is answered on a shorter path.
    """

    scope: Scope = EVERYTHING
    _own_hooks: ClassVar[frozenset[str]] = frozenset()
    _is_plain: bool = True

    def __init_subclass__(cls, **options: Any) -> None:
        """Notes which of DRF's methods the viewset has of its own."""
        super().__init_subclass__(**options)
        cls._own_hooks = own_hooks(cls, GatewayViewSet)

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
        """The action's answer, or the problem that it or the checks before it raised."""
        self.args, self.kwargs = args, kwargs
        self._is_plain = not self._own_hooks and has_shipped_policies(self)
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers: dict[str, str] = {} if self._is_plain else self.default_response_headers
        self.shown = Shown()
        try:
            self.initial(self.request, *args, **kwargs)
            response: HttpResponseBase = getattr(self, self.action)(self.request, *args, **kwargs)
            forgive_unchanged(request, response)
            record_answer(self, response)
        except Exception as error:  # noqa: BLE001 - the exception handler raises again what nobody foresaw
            response = self.handle_exception(record_refused(self, error))
        deprecation = deprecation_of(getattr(self, self.action, None))
        if deprecation is not None:
            put(response.headers, *deprecation.headers)
        if self._is_plain and not isinstance(response, Response):
            return response
        return self.finalize_response(self.request, cast(Any, response), *args, **kwargs)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Finds the action, and gives DRF's request what it makes of a body or a token if it is asked for them."""
        self.action = self.action_map.get((request.method or "").lower(), "")
        if not self._is_plain:
            return super().initialize_request(request, *args, **kwargs)
        made = Request(request, parsers=PARSERS, authenticators=authenticators(), negotiator=NEGOTIATOR)
        made.parser_context.clear()  # refers to the request itself; the parser does not look at it
        return made

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Method, form of the answer, token, access rule, names in the query: in this order, before the action."""
        action = getattr(self, self.action, None)
        if action is None:
            raise MethodNotAllowedError(headers={"Allow": ", ".join(sorted(self.action_map)).upper()})
        given = django_request(request)
        if self._is_plain:
            _check_accept(given, shown_types(action))
            self._check_rule(given, rule_of(action))
        else:
            super().initial(request, *args, **kwargs)
        if given.GET:
            check_names(given.GET, declared_names(action))

    def _check_rule(self, given: HttpRequest, rule: AccessRule | None) -> None:
        """As `HasAccessRule` does, for an account that is known from the middleware."""
        if rule is None:
            raise AccessDeniedError
        if rule.is_open:
            return
        caller = caller_of(given)
        if caller is None:
            raise UnauthenticatedError
        self.request.user = cast(Any, caller)  # DRF knows accounts alone
        self.scope = rule.scope(caller, self.kwargs, given.GET)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """The renderer and its media type; JSON, or a file's own type, where no renderers are set.

        Raises NotAcceptableError.
        """
        if self._has_shipped("renderer_classes"):
            if not force:
                _check_accept(django_request(request), shown_types(getattr(self, self.action, None)))
            return JSONRenderer(), JSON_TYPE
        negotiated: tuple[Any, str] = super().perform_content_negotiation(request, force)
        return negotiated

    def perform_authentication(self, request: Request) -> None:
        """Finds out who asks, unless the action is open and its viewset has no authenticators of its own."""
        rule = rule_in_force(request, self)
        if rule is not None and rule.is_open and self._has_shipped("authentication_classes"):
            request.user = cast(Any, None)
            return
        if request.user:
            context_of(django_request(request)).account_id = str(request.user.pk)

    def check_permissions(self, request: Request) -> None:
        """The action's own rule, where it has one, and then every permission class."""
        if rule_in_force(request, self) is not None and not HasAccessRule().has_permission(request, self):
            self.permission_denied(request)
        super().check_permissions(request)

    def handle_exception(self, exc: Exception) -> Any:
        """The answer of the exception handler; where it leaves one of the gateway's errors alone, its problem."""
        try:
            return super().handle_exception(exc)
        except (ApiError, GatewayError) as error:
            return problem_of(error, django_request(self.request))

    def raise_uncaught_exception(self, exc: Exception) -> NoReturn:
        """Leaves what nobody foresaw to Django."""
        raise exc

    @property
    def caller(self) -> Caller:
        """Who is signed in."""
        return cast(Caller, self.request.user)

    @property
    def gateway(self) -> Gateway:
        """The typed clients of this request."""
        return context_of(django_request(self.request)).gateway

    def body(self) -> dict[str, Any]:
        """The object that was sent: JSON, or what the viewset's own parsers make of it. Raises as `json_body` does."""
        if self._has_shipped("parser_classes"):
            return json_body(django_request(self.request))
        return cast(dict[str, Any], self.request.data)

    def checked(self, serializer_class: type[serializers.BaseSerializer[Any]]) -> dict[str, Any]:
        """The object that was sent, checked. Raises ValidationError, and as `body` does."""
        serializer = serializer_class(data=self.body())
        serializer.is_valid(raise_exception=True)
        checked: dict[str, Any] = serializer.validated_data
        return checked

    def answer(self, model: ViewModel | PendingValue[Any], *, status: int = 200) -> HttpResponse:
        """A view model as JSON, or as the viewset's own renderer shows it; one that is pending is waited for.

        Raises what it fails with.
        """
        found = model.result() if isinstance(model, PendingValue) else model
        gateway = self.gateway
        self.shown.add_model(found, Origin.UPSTREAM if gateway.has_streamed else origin_of(gateway.freshness))
        return self._rendered(model_answer(found, status=status))

    def answer_record(self, record: ViewModel, section: Section[Any], *, name: str) -> HttpResponse:
        """A record that was asked for alone: its `meta` says how it came about, and `Age` how old it is, if it is."""
        self.shown.add_model(record, origin_of(self.gateway.freshness))
        told = msgspec.structs.replace(record, meta=meta_of({name: section}))
        return labelled(self._rendered(model_answer(told)), section)

    def answer_view(self, view: CompositeView) -> HttpResponse:
        """A view made of sections: each by its name, and `meta`. Raises as `CompositeView.sections` does."""
        sections = view.sections()
        self.shown.add_sections(sections)
        return self._rendered(sections_answer(sections))

    def _has_shipped(self, policy: str) -> bool:
        return self._is_plain or has_shipped(self, policy, self._own_hooks)

    def _rendered(self, answer: HttpResponse) -> HttpResponse:
        if self._has_shipped("renderer_classes"):
            return answer
        etag = {"ETag": answer.headers["ETag"]} if "ETag" in answer.headers else None
        return Response(msgspec.json.decode(answer.content), status=answer.status_code, headers=etag)


def _check_accept(request: HttpRequest, shown: Sequence[str]) -> None:
    """Raises NotAcceptableError when the portal takes none of the types that the action shows.

    Which of several a file is of is known only when it is found, and is not the portal's to choose.
    """
    accept = accept_of(request)
    if accept not in {"", ANY}:
        best_type(accept, shown)
