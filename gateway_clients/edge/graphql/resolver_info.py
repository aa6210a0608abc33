"""Graphene's `info`, with what the gateway's own resolvers need of the request beside
it.

Every resolver has Graphene's signature, `(root, info, **arguments)`: `info.context` is
Django's request, with the typed clients of the request as `info.context.gateway` and
who is signed in as `info.context.user`.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, cast

from django.http import HttpRequest, HttpResponse
from graphql import (
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.pyutils import Path

from gateway_clients.edge.access.current_caller import caller_of
from gateway_clients.edge.access.resources import EVERYTHING, Caller, Scope, scope_of
from gateway_clients.edge.access.rules import AccessRule, rule_of
from gateway_clients.edge.disclosure.shown import Shown
from gateway_clients.edge.errors import AccessDeniedError, BadUserInputError, UnauthenticatedError
from gateway_clients.edge.graphql.selection import SelectedField, Selection, Variables
from gateway_clients.edge.input.ids import IS_NO_ID, is_id
from gateway_clients.edge.output.view_models import SectionMeta, ViewMeta, meta_of
from gateway_clients.errors import GatewayError
from gateway_clients.pipeline.section import Section


class HasMeta(Protocol):
    """A view model that says itself how it came about."""

    __struct_fields__: ClassVar[tuple[str, ...]]

    @property
    def meta(self) -> ViewMeta: ...


class ResolverInfo(GraphQLResolveInfo):
    """Graphene's `info` of one field, and the part that its root field has in the
    request.

    `scope`: how much the caller may see of what the root field names. `sections` and
    `headers`: what the resolvers of the root field tell of how its parts came about,
    and add to the answer's headers. `arguments`: the root field's. `disclosed`: what
    its sections show of whom. `outage`: why nothing of what was asked could be shown,
    where that is so. `is_alone`: the operation asks for no other root field;
    `__typename` is none. `marks`: what is done to the answer, such as setting a cookie.
    """

    selected: SelectedField
    scope: Scope
    sections: dict[str, SectionMeta]
    headers: dict[str, str]
    arguments: dict[str, Any]
    disclosed: Shown
    outage: GatewayError | None = None
    is_alone: bool = False
    marks: list[Callable[[HttpResponse], None]]

    @classmethod
    def of_root(
        cls,
        selected: SelectedField,
        *,
        parent: GraphQLObjectType,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Variables,
        request: HttpRequest,
    ) -> "ResolverInfo":
        """That of a root field."""
        definition = selected.definition
        assert definition is not None
        info = cls(
            field_name=selected.name,
            field_nodes=list(selected.nodes),
            return_type=definition.type,
            parent_type=parent,
            path=Path(None, selected.key, parent.name),
            schema=schema,
            fragments=dict(fragments),
            root_value=None,
            operation=operation,
            variable_values=dict(variables),
            context=request,
            is_awaitable=_is_never_awaitable,
        )
        info.selected, info.scope, info.sections, info.headers = selected, EVERYTHING, {}, {}
        info.arguments, info.disclosed, info.marks = {}, Shown(), []
        return info

    def below(self, selected: SelectedField, parent_type: str, path: Path) -> "ResolverInfo":
        """That of a field below this one, in the same root field."""
        assert selected.definition is not None
        parent = cast(GraphQLObjectType, self.schema.get_type(parent_type))
        info = self._replace(
            field_name=selected.name,
            field_nodes=list(selected.nodes),
            return_type=selected.definition.type,
            parent_type=parent,
            path=path,
        )
        info.selected, info.scope = selected, self.scope
        info.sections, info.headers = self.sections, self.headers
        info.arguments, info.disclosed, info.marks = self.arguments, self.disclosed, self.marks
        return info

    @property
    def caller(self) -> Caller:
        """The account that is signed in. Raises UnauthenticatedError."""
        caller = caller_of(self.context)
        if caller is None:
            raise UnauthenticatedError
        return caller

    @property
    def selection(self) -> Selection:
        """The selected fields of the object that the field shows; none of a field that
        shows a scalar.
        """
        return self.selected.child or Selection("", ())

    @property
    def identity(self) -> str:
        """The derived id of the object that the field shows: the path of the field and
        its arguments.
        """
        nodes = [str(each) for each in self.path.as_list()[:-1]]
        given = self.selected.arguments(self.variable_values)
        told = "&".join(f"{name}={given[name]}" for name in sorted(given) if given[name] is not None)
        return "/".join([*nodes, f"{self.field_name}?{told}"])

    def shown(self, page: HasMeta) -> dict[str, Any]:
        """The data of a page, or of anything else with a `meta`, with its derived id."""
        data = {name: getattr(page, name) for name in page.__struct_fields__}
        return {**data, "id": self.identity, "meta": shown_meta(page.meta, self.identity)}

    def noted(self, page: HasMeta) -> dict[str, Any]:
        """The data of a page as `shown` returns it; its section states go into
        `extensions.sections`.
        """
        self.note(page.meta)
        return self.shown(page)

    def note(self, sections: ViewMeta | Mapping[str, Section[Any]]) -> ViewMeta:
        """Says in the answer's `extensions.sections` how the parts came about; the
        `meta` that says the same.
        """
        if isinstance(sections, ViewMeta):
            meta = sections
        else:
            meta = meta_of(sections)
            self.disclosed.add_sections(sections)
        self.sections.update(meta.sections)
        return meta


def shown_meta(meta: ViewMeta, identity: str) -> dict[str, Any]:
    """The `meta` of the view that has this id."""
    return {"id": identity, **{name: getattr(meta, name) for name in meta.__struct_fields__}}


def resolve_root(info: ResolverInfo) -> Any:
    """Calls the resolver of a root field, if the caller may ask for it.

    Raises what the resolver does, GraphQLError for bad arguments, BadUserInputError for
    bad ids, and the access rules'.
    """
    assert info.selected.definition is not None
    resolver = info.selected.definition.resolve
    rule = rule_of(resolver)
    if resolver is None or rule is None:
        raise AccessDeniedError
    arguments = info.arguments = info.selected.arguments(info.variable_values)
    _admit(info, rule, arguments)
    return resolver(None, info, **arguments)


def _admit(info: ResolverInfo, rule: AccessRule, arguments: Mapping[str, Any]) -> None:
    if rule.is_open:
        return
    caller = info.caller
    _check_ids(arguments)
    if rule.resource is not None:
        ids = {name: arguments.get(name) for name in ("member_id", "provider_id")}
        info.scope = scope_of(caller, rule.resource, **ids)


def _check_ids(arguments: Mapping[str, Any]) -> None:
    wrong = [
        name for name, value in arguments.items() if name.endswith("_id") and value is not None and not is_id(value)
    ]
    if wrong:
        raise BadUserInputError(errors={name: [IS_NO_ID] for name in wrong})


def _is_never_awaitable(_value: Any) -> bool:
    """Resolvers are synchronous here."""
    return False
