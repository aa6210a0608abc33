"""The OpenAPI document from the view models themselves, and what its operations have in common."""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from drf_spectacular.drainage import set_override
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import Direction, OpenApiParameter, OpenApiResponse, extend_schema

from gateway_clients.edge.parameters import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, declare_names
from gateway_clients.edge.problems import PROBLEM_TYPE, Problem
from gateway_clients.edge.view_models import ViewModel

F = TypeVar("F", bound=Callable[..., Any])

REF: Final = "#/components/schemas/{name}"

#: Where an action keeps its content types.
TYPES: Final = "shown_types"
JSON_ALONE: Final = ("application/json",)
#: What any operation may answer beside what it is for.
COMMON_ERRORS: Final = {400: "Bad input", 429: "Too many requests", 500: "Internal error"}
SIGNED_IN_ERRORS: Final = {
    401: "The token is over (`token_expired`); or not signed in (`unauthenticated`)",
    403: "Access denied",
}
UPSTREAM_ERRORS: Final = {
    404: "Not found",
    502: "An upstream gave a bad answer",
    503: "An upstream is unavailable; see Retry-After",
    504: "Out of time",
}


class ViewModelExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # drf-spectacular
    """View models as components of the document, with all that they hold."""

    target_class = ViewModel
    match_subclasses = True

    def get_name(self, auto_schema: AutoSchema, direction: Direction) -> str:
        """The class's own name."""
        return str(self.target.__name__)

    def get_identity(self, auto_schema: AutoSchema, direction: Direction) -> Any:
        """Names are unique among view models; a test says so."""
        return self.target.__name__

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        """The schema of the model; those of the models inside it become components too."""
        _, components = msgspec.json.schema_components([self.target], ref_template=REF)
        for name, schema in components.items():
            if name != self.target.__name__:
                auto_schema.registry.register_on_missing(
                    ResolvedComponent(  # type: ignore[no-untyped-call]  # drf-spectacular
                        name=name, type=ResolvedComponent.SCHEMA, schema=schema, object=name
                    )
                )
        return dict(components[self.target.__name__])


def shows(
    model: type[ViewModel] | None,
    *,
    status: int = 200,
    also: Mapping[int, type[ViewModel]] | None = None,
    request: Any = None,
    parameters: Sequence[OpenApiParameter] = (),
    errors: dict[int, str] | None = None,
    is_open: bool = False,
    files: Sequence[str] = (),
    **options: Any,
) -> Callable[[F], F]:
    """What an operation takes and shows, for the document; its docstring is its description.

    Its query may hold the `parameters` that stand in a query, and no others: the view refuses them.

    `also` are other ways in which it succeeds; `errors` are the statuses it may answer beside the common ones (default:
    those of its upstreams); `files` are the content types of bytes that it answers in the model's place.
    """
    if model is not None:
        # A page is one object; drf-spectacular takes what an action named `list` answers for an array otherwise.
        set_override(model, "many", False)
    described = COMMON_ERRORS | ({} if is_open else SIGNED_IN_ERRORS) | (UPSTREAM_ERRORS if errors is None else errors)
    shown: dict[Any, Any] = {(status, each): OpenApiTypes.BINARY for each in files} or {status: model}
    responses: dict[Any, Any] = {**shown, **(also or {})}
    for code, text in sorted(described.items()):
        responses[code, PROBLEM_TYPE] = OpenApiResponse(Problem, text)
    if is_open:
        options["auth"] = []

    def decorate(action: F) -> F:
        summary = (inspect.getdoc(action) or "").partition("\n")[0].rstrip(".")
        described_action: F = extend_schema(
            request=request,
            responses=responses,
            parameters=list(parameters),
            **{"summary": summary or None, **options},
        )(action)
        setattr(action, TYPES, tuple(files) or JSON_ALONE)
        declare_names(action, [each.name for each in parameters if each.location == OpenApiParameter.QUERY])
        return described_action

    return decorate


def shown_types(action: object) -> Sequence[str]:
    """The content types in which an action answers when it succeeds: JSON where it does not say."""
    types: Sequence[str] = getattr(action, TYPES, JSON_ALONE)
    return types


def query_parameter(
    name: str, description: str, schema: dict[str, Any], *, is_required: bool = False
) -> OpenApiParameter:
    """A parameter of the query."""
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, required=is_required, description=description)


def choice_parameter(name: str, description: str, choices: Collection[str]) -> OpenApiParameter:
    """A parameter that is one of the choices."""
    return query_parameter(name, description, {"type": "string", "enum": list(choices)})


def names_parameter(name: str, description: str, choices: Collection[str]) -> OpenApiParameter:
    """A parameter that is some of the choices, separated by commas; it may be repeated as well."""
    schema = {"type": "array", "items": {"type": "string", "enum": list(choices)}, "minItems": 1}
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=description, explode=False, style="form")


def date_parameter(name: str, description: str, *, is_required: bool = False) -> OpenApiParameter:
    """A parameter that is a calendar date."""
    return query_parameter(name, description, {"type": "string", "format": "date"}, is_required=is_required)


def flag_parameter(name: str, description: str) -> OpenApiParameter:
    """A parameter that is true or false."""
    return query_parameter(name, description, {"type": "boolean"})


def id_parameter(name: str, description: str, *, is_required: bool = False) -> OpenApiParameter:
    """A parameter that is an id."""
    schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
    return query_parameter(name, description, schema, is_required=is_required)


PAGE_PARAMETERS: Final = (
    query_parameter(
        "limit", "How many to show.", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    ),
    query_parameter(
        "offset", "How many to skip.", {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0}
    ),
)
