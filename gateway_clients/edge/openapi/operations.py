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

from gateway_clients.edge.input import search
from gateway_clients.edge.input.idempotency_key import HEADER, KEY_SCHEMA
from gateway_clients.edge.input.ids import ID_SCHEMA
from gateway_clients.edge.input.parameters import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET, declare_names
from gateway_clients.edge.openapi.responses import OWN_HEADERS
from gateway_clients.edge.output.deprecation import Deprecation
from gateway_clients.edge.output.problems import PROBLEM_TYPE, Problem
from gateway_clients.edge.output.view_models import ViewModel

F = TypeVar("F", bound=Callable[..., Any])

REF: Final = "#/components/schemas/{name}"

#: Where an action keeps its content types, and that it is deprecated.
TYPES: Final = "shown_types"
DEPRECATION: Final = "deprecation"
JSON_ALONE: Final = ("application/json",)
#: What any operation may answer beside what it is for.
COMMON_ERRORS: Final = {
    400: "Bad input",
    406: "`Accept` names nothing that this can be answered in",
    429: "Too many requests; see Retry-After",
    500: "Internal error",
    503: "The gateway, or something of its own, is not available; see Retry-After",
}
#: What an operation with a body may answer besides.
BODY_ERRORS: Final = {413: "The body is too large", 415: "The body is of another kind"}
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
    also: Mapping[int, Any] | None = None,
    request: Any = None,
    parameters: Sequence[OpenApiParameter] = (),
    errors: dict[int, str] | None = None,
    is_open: bool = False,
    files: Sequence[str] = (),
    headers: Mapping[int, Sequence[str]] | None = None,
    deprecation: Deprecation | None = None,
    **options: Any,
) -> Callable[[F], F]:
    """Documents what an operation takes and shows; its docstring is its description.

    Its query may hold the `parameters` that stand in a query, and no others: the view refuses them.

    `also` are other ways in which it succeeds, as models or schemas; `errors` are the statuses it may answer beside the
    common ones (default: those of its upstreams); `files` are the content types of bytes that it answers in the model's
    place; `headers` are those that it alone has, by status. `deprecation` is told in the document and by every answer.
    """
    if model is not None:
        # A page is one object; drf-spectacular takes what an action named `list` answers for an array otherwise.
        set_override(model, "many", False)
    described = (
        COMMON_ERRORS
        | (BODY_ERRORS if request is not None else {})
        | ({} if is_open else SIGNED_IN_ERRORS)
        | (UPSTREAM_ERRORS if errors is None else errors)
    )
    shown: dict[Any, Any] = {(status, each): OpenApiTypes.BINARY for each in files} or {status: model}
    responses: dict[Any, Any] = {**shown, **(also or {})}
    for code, text in sorted(described.items()):
        responses[code, PROBLEM_TYPE] = OpenApiResponse(Problem, text)
    if is_open:
        options.setdefault("auth", [])
    if headers:
        options["extensions"] = {OWN_HEADERS: {str(status): list(names) for status, names in headers.items()}}

    def decorate(action: F) -> F:
        text = inspect.getdoc(action) or ""
        summary = text.partition("\n")[0].rstrip(".")
        if deprecation is not None:
            options.update(deprecated=True, description=f"{text}\n\n{deprecation.words}")
        described_action: F = extend_schema(
            request=request,
            responses=responses,
            parameters=list(parameters),
            **{"summary": summary or None, **options},
        )(action)
        setattr(action, TYPES, tuple(files) or JSON_ALONE)
        setattr(action, DEPRECATION, deprecation)
        declare_names(action, [each.name for each in parameters if each.location == OpenApiParameter.QUERY])
        return described_action

    return decorate


def reference_to(model: type[ViewModel]) -> dict[str, str]:
    """A schema that refers to a view model, which some operation shows."""
    return {"$ref": REF.format(name=model.__name__)}


def shown_types(action: object) -> Sequence[str]:
    """The content types in which an action answers when it succeeds: JSON where it does not say."""
    types: Sequence[str] = getattr(action, TYPES, JSON_ALONE)
    return types


def deprecation_of(action: object) -> Deprecation | None:
    """Since when an action is deprecated; None where it is not."""
    found: Deprecation | None = getattr(action, DEPRECATION, None)
    return found


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
    schema = {"type": "array", "items": {"type": "string", "enum": list(choices)}, "minItems": 1, "maxItems": 20}
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=description, explode=False, style="form")


def date_parameter(name: str, description: str, *, is_required: bool = False) -> OpenApiParameter:
    """A parameter that is a calendar date."""
    return query_parameter(
        name, description, {"type": "string", "format": "date", "maxLength": 10}, is_required=is_required
    )


def flag_parameter(name: str, description: str) -> OpenApiParameter:
    """A parameter that is true or false."""
    return query_parameter(name, description, {"type": "boolean"})


def id_parameter(name: str, description: str, *, is_required: bool = False) -> OpenApiParameter:
    """A parameter that is an id."""
    return query_parameter(name, description, ID_SCHEMA, is_required=is_required)


def key_parameter(description: str) -> OpenApiParameter:
    """The header with which a write may be repeated."""
    return OpenApiParameter(HEADER, KEY_SCHEMA, OpenApiParameter.HEADER, description=description)


PAGE_PARAMETERS: Final = (
    query_parameter(
        "limit",
        "How many to show.",
        {"type": "integer", "format": "int32", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    ),
    query_parameter(
        "offset",
        "How many to skip.",
        {"type": "integer", "format": "int32", "minimum": 0, "maximum": MAX_OFFSET, "default": 0},
    ),
)
SEARCH_PARAMETER: Final = query_parameter(
    "q", "What to search for.", {"type": "string", "maxLength": search.MAX_LENGTH, "pattern": search.PATTERN}
)
