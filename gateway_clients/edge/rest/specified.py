"""REST views of what is declared: an action for each spec, and the address it stands at."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.http import HttpResponse, QueryDict
from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from gateway_clients.edge.access.rules import allowed
from gateway_clients.edge.input.parameters import choice_of, date_of, id_of, page_of
from gateway_clients.edge.input.search import search_text_of
from gateway_clients.edge.openapi.operations import (
    PAGE_PARAMETERS,
    SEARCH_PARAMETER,
    choice_parameter,
    date_parameter,
    id_parameter,
    shows,
)
from gateway_clients.edge.rest.views import GatewayViewSet
from gateway_clients.edge.specs import Filter, FilterKind, ListSpec, ReadSpec, RecordSpec, SectionPage

#: How each kind of filter is read from a query.
READERS: Final[Mapping[FilterKind, Callable[[QueryDict, Filter], Any]]] = {
    FilterKind.ID: lambda query, each: id_of(query, each.name),
    FilterKind.CHOICE: lambda query, each: choice_of(query, each.name, each.choices),
    FilterKind.DATE: lambda query, each: date_of(query, each.name),
    FilterKind.SEARCH: lambda query, _each: search_text_of(query),
}
#: How the OpenAPI document tells of each kind.
PARAMETERS: Final[Mapping[FilterKind, Callable[[Filter], OpenApiParameter]]] = {
    FilterKind.ID: lambda each: id_parameter(each.name, each.description),
    FilterKind.CHOICE: lambda each: choice_parameter(each.name, each.description, each.choices),
    FilterKind.DATE: lambda each: date_parameter(each.name, each.description),
    FilterKind.SEARCH: lambda _each: SEARCH_PARAMETER,
}
#: An action of a viewset; the names of the path are its arguments.
Action = Callable[..., HttpResponse]


def list_action(spec: ListSpec[Any, Any]) -> Action:
    """The action that answers one page of a list, to be put into a viewset."""

    def action(self: GatewayViewSet, request: Request, **ids: str) -> HttpResponse:
        query = request.query_params
        filters = {each.name: READERS[each.kind](query, each) for each in spec.filters}
        return self.answer(spec.page(self.gateway, {**filters, **ids}, page=page_of(query), scope=self.scope))

    parameters = (*(PARAMETERS[each.kind](each) for each in spec.filters), *PAGE_PARAMETERS)
    return _told(action, spec, spec.page_model, parameters)


def record_action(spec: RecordSpec[Any, Any]) -> Action:
    """The action that answers one record."""

    def action(self: GatewayViewSet, _request: Request, **ids: str) -> HttpResponse:
        record, section = spec.record(self.gateway, ids).result()
        return self.answer_record(record, section, name=spec.name)

    return _told(action, spec, spec.model, headers={200: ("Age",)})


def section_action(spec: SectionPage) -> Action:
    """The action that answers a section alone."""

    def action(self: GatewayViewSet, _request: Request, **ids: str) -> HttpResponse:
        (subject_id,) = ids.values()
        return self.answer_view(spec.found(self.gateway, subject_id))

    return _told(action, spec, spec.page_model)


ACTIONS: Final[Mapping[type[ReadSpec], Callable[[Any], Action]]] = {
    ListSpec: list_action,
    RecordSpec: record_action,
    SectionPage: section_action,
}


def url_of(spec: ReadSpec) -> URLPattern:
    """The address of a spec, with a viewset that has its action alone."""
    action = ACTIONS[type(spec)](spec)
    name = f"{spec.name.title().replace('_', '')}ViewSet"
    viewset: Any = type(name, (GatewayViewSet,), {spec.action: action, "__doc__": spec.doc, "__module__": __name__})
    address: URLPattern = path(spec.path, viewset.as_view({"get": spec.action}))
    return address


def _told(
    action: Action,
    spec: ReadSpec,
    model: Any,
    parameters: tuple[OpenApiParameter, ...] = (),
    headers: Mapping[int, tuple[str, ...]] | None = None,
) -> Action:
    action.__name__, action.__doc__ = spec.action, spec.rest_doc or spec.doc
    marked = allowed(spec.resource, query_ids=spec.query_ids)(action)
    return shows(
        model,
        parameters=parameters,
        headers=headers,
        deprecation=spec.deprecation,
        tags=[spec.tag],
        operation_id=spec.operation_id,
    )(marked)
