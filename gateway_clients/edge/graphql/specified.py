"""GraphQL fields of what is declared: the page of a list, and a record."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from graphene import Argument, Field, ObjectType

from gateway_clients.edge.access.rules import allowed
from gateway_clients.edge.errors import BadUserInputError
from gateway_clients.edge.graphql.arguments import optional_id, page_arguments, required_id, search_argument
from gateway_clients.edge.graphql.resolver_info import ResolverInfo
from gateway_clients.edge.graphql.scalars import Date
from gateway_clients.edge.graphql.section_view import Part
from gateway_clients.edge.graphql.type_registry import Source
from gateway_clients.edge.graphql.types import TYPES
from gateway_clients.edge.input.ids import IS_NO_ID, is_id
from gateway_clients.edge.input.parameters import checked_choice, checked_page
from gateway_clients.edge.input.search import checked_search_text
from gateway_clients.edge.specs import Filter, FilterKind, ListSpec, ReadSpec, RecordSpec
from gateway_clients.pipeline.pending_value import PendingValue

Check = Callable[[Filter, Any], Any]


def _checked_id(each: Filter, value: str | None) -> str | None:
    if value is not None and not is_id(value):
        raise BadUserInputError(errors={each.name: [IS_NO_ID]})
    return value


def _choice_argument(each: Filter, _spec: ReadSpec) -> Argument:
    assert each.enum is not None
    return Argument(TYPES.enum(each.enum), description=each.description)


#: The argument that each kind of filter is, and how its value is checked.
ARGUMENTS: Final[Mapping[FilterKind, tuple[Callable[[Filter, ReadSpec], Argument], Check]]] = {
    FilterKind.ID: (lambda each, _spec: optional_id(each.description), _checked_id),
    FilterKind.CHOICE: (
        _choice_argument,
        lambda each, value: checked_choice(value and str(value), each.name, each.choices),
    ),
    FilterKind.DATE: (lambda each, _spec: Argument(Date, description=each.description), lambda _each, value: value),
    FilterKind.SEARCH: (
        lambda _each, spec: search_argument(spec.name),
        lambda _each, value: checked_search_text(value),
    ),
}


def page_type(spec: ListSpec[Any, Any]) -> type[ObjectType]:
    """The type of a list's page."""
    return TYPES.by_model.get(spec.page_model) or TYPES.make(spec.page_model, name=spec.page_type, identity="")


def page_field(spec: ListSpec[Any, Any]) -> Field:
    """A root field that shows one page of a list, and says in the answer's `extensions`
    how it came about.
    """

    @allowed(spec.resource)
    def resolve(_root: None, info: ResolverInfo, **given: Any) -> PendingValue[Any]:
        return found_page(spec, info, given).then(info.noted)

    return _page_field(spec, resolver=resolve)


def page_part(spec: ListSpec[Any, Any], known: str) -> tuple[tuple[Field, Source], Part]:
    """A field below an object that has the id `known`, which shows one page of the
    list; and its resolver.
    """

    def resolve(root: Mapping[str, Any], info: ResolverInfo, **given: Any) -> PendingValue[Any]:
        return found_page(spec, info, given, **{known: root[known]}).then(info.shown)

    return (_page_field(spec), Source(page_name(spec))), resolve


def page_name(spec: ListSpec[Any, Any]) -> str:
    """Returns the name of a page below an object: `payment_page`."""
    return f"{spec.model.__name__.lower()}_page"


def found_page(spec: ListSpec[Any, Any], info: ResolverInfo, given: Mapping[str, Any], **ids: str) -> PendingValue[Any]:
    """The page that a field's arguments ask for, with ids that are known beside them.
    Raises BadUserInputError.
    """
    page = checked_page(given.get("limit"), given.get("offset"))
    asked = {each.name: ARGUMENTS[each.kind][1](each, given.get(each.name)) for each in spec.filters}
    gateway = info.context.gateway
    return spec.page(gateway, {**asked, **ids}, page=page, scope=info.scope, transform=spec.field_transform)


def _page_field(spec: ListSpec[Any, Any], **options: Any) -> Field:
    arguments = {each.name: ARGUMENTS[each.kind][0](each, spec) for each in spec.filters}
    return Field(
        page_type(spec),
        **arguments,
        **page_arguments(),
        description=spec.field_doc or spec.doc,
        deprecation_reason=spec.deprecation_reason,
        **options,
    )


def record_field(spec: RecordSpec[Any, Any], **ids: str) -> Field:
    """A root field that shows the record that these ids name, each told with its
    description.
    """

    @allowed(spec.resource)
    def resolve(_root: None, info: ResolverInfo, **given: str) -> PendingValue[Any]:
        def noted(found: tuple[Any, Any]) -> Any:
            info.note({spec.name: found[1]})
            return found[0]

        return spec.record(info.context.gateway, given).then(noted)

    arguments = {name: required_id(description) for name, description in ids.items()}
    return Field(
        TYPES.of(spec.model),
        **arguments,
        description=spec.field_doc or spec.doc,
        deprecation_reason=spec.deprecation_reason,
        resolver=resolve,
    )
