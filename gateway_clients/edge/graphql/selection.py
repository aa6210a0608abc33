"""The selection of an operation as a tree: fragments are unfolded, fields merged, and
@skip and @include applied.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from graphene.types.resolver import get_default_resolver
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSkipDirective,
    SchemaMetaFieldDef,
    SelectionSetNode,
    TypeMetaFieldDef,
    get_directive_values,
    get_named_type,
)
from graphql.execution.values import get_argument_values

from gateway_clients.edge.graphql.type_registry import Source

Variables = Mapping[str, Any]
Fragments = Mapping[str, FragmentDefinitionNode]

NO_SOURCE: Final = Source("")
INTROSPECTION: Final[Mapping[str, GraphQLField]] = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}


@dataclass(frozen=True, slots=True)
class SelectedField:
    """A selected field; `__typename` if it has no definition.

    `slot` is the key of its value in the data: the source's name, unless several fields
    of that name are selected. `is_resolved`: the field has a resolver of its own, below
    the root. `has_null_items`: an item of its list may be null.
    """

    key: str
    name: str
    nodes: tuple[FieldNode, ...]
    definition: GraphQLField | None = None
    source: Source = NO_SOURCE
    slot: str = ""
    child: "Selection | None" = None
    is_list: bool = False
    has_null_items: bool = False
    is_required: bool = False
    is_int: bool = False
    is_resolved: bool = False

    @property
    def node(self) -> FieldNode:
        """The first node of the field."""
        return self.nodes[0]

    @property
    def is_introspection(self) -> bool:
        """Whether the field is `__schema` or `__type`."""
        return self.name in INTROSPECTION

    def arguments(self, variables: Variables) -> dict[str, Any]:
        """The coerced arguments, by their Python names. Raises GraphQLError for a null
        variable in a non-null position.
        """
        assert self.definition is not None
        return get_argument_values(self.definition, self.node, dict(variables))


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected fields of one object type.

    `is_modelled`: the type is made from a view model. `needs_resolvers`: the subtree
    has fields with their own resolvers or batch loaders. `resolved`: the fields of this
    object with their own resolvers. `has_limits`: the subtree has lists whose length is
    an argument. `has_identities`: the subtree has derived ids; `identity` is the
    template of this object's. `sources`: the names of the selected fields in the view
    model. `copied`: pairs of key and slot, if all fields are plain values. `notes`
    caches what other modules derive from the selection.
    """

    type_name: str
    fields: tuple[SelectedField, ...]
    is_modelled: bool = False
    needs_resolvers: bool = False
    resolved: tuple[SelectedField, ...] = ()
    has_limits: bool = False
    has_identities: bool = False
    identity: str = ""
    sources: frozenset[str] = frozenset()
    copied: tuple[tuple[str, str], ...] | None = None
    notes: dict[str, Any] = field(default_factory=dict, compare=False)

    def __iter__(self) -> Iterator[SelectedField]:
        return iter(self.fields)


def select(
    parent: GraphQLObjectType, selection_sets: list[SelectionSetNode], fragments: Fragments, variables: Variables
) -> Selection:
    """The selection tree below an object of a validated document."""
    nodes: dict[str, list[FieldNode]] = {}
    seen: set[str] = set()
    for selection_set in selection_sets:
        _collect(selection_set, fragments, variables, nodes, seen)
    fields = tuple(_selected_field(parent, key, same, fragments, variables) for key, same in nodes.items())
    is_copied = all(map(_is_copied, fields))
    return Selection(
        parent.name,
        fields,
        is_modelled=_sources(parent) is not None,
        needs_resolvers=any(map(_needs_resolvers, fields)),
        resolved=tuple(field for field in fields if field.is_resolved),
        has_limits=any(map(_has_limits, fields)),
        has_identities=any(map(_has_identities, fields)),
        identity=getattr(getattr(parent, "graphene_type", None), "identity", ""),
        sources=frozenset(field.source.name for field in fields if field.source.name),
        copied=tuple((field.key, field.slot) for field in fields) if is_copied else None,
    )


def _needs_resolvers(field: SelectedField) -> bool:
    if field.is_resolved or field.source.load is not None:
        return True
    return field.child is not None and field.child.needs_resolvers


def _has_limits(field: SelectedField) -> bool:
    if field.child is not None and field.child.has_limits:
        return True
    return field.definition is not None and "limit" in field.definition.args


def _has_identities(field: SelectedField) -> bool:
    return bool(field.source.identity) or (field.child is not None and field.child.has_identities)


def _is_copied(field: SelectedField) -> bool:
    is_value = field.definition is not None and field.child is None and not field.is_int
    return is_value and field.source.convert is None and not field.source.identity


def _selected_field(
    parent: GraphQLObjectType, key: str, nodes: list[FieldNode], fragments: Fragments, variables: Variables
) -> SelectedField:
    name = nodes[0].name.value
    definition = parent.fields.get(name) or INTROSPECTION.get(name)
    if definition is None:
        return SelectedField(key, name, tuple(nodes))
    sources = _sources(parent)
    source = NO_SOURCE if sources is None else sources.get(name, NO_SOURCE)
    is_resolved = sources is None or not _is_default(definition.resolve)
    is_single = bool(source.name) and not (definition.args or is_resolved)
    is_required = isinstance(definition.type, GraphQLNonNull)
    kind = definition.type.of_type if isinstance(definition.type, GraphQLNonNull) else definition.type
    named = get_named_type(definition.type)
    below = [each.selection_set for each in nodes if each.selection_set is not None]
    child = select(named, below, fragments, variables) if isinstance(named, GraphQLObjectType) else None
    return SelectedField(
        key=key,
        name=name,
        nodes=tuple(nodes),
        definition=definition,
        source=source,
        slot=source.name if is_single else f"{source.name}:{key}",
        child=child,
        is_list=isinstance(kind, GraphQLList),
        has_null_items=isinstance(kind, GraphQLList) and not isinstance(kind.of_type, GraphQLNonNull),
        is_required=is_required,
        is_int=kind is GraphQLInt,
        is_resolved=is_resolved,
    )


def _sources(parent: GraphQLObjectType) -> Mapping[str, Source] | None:
    """The sources of a type's fields; None if it is not made from a view model."""
    return getattr(getattr(parent, "graphene_type", None), "sources", None)


def _is_default(resolver: Any) -> bool:
    """Whether it is Graphene's default resolver, which takes the value of the field's
    name.
    """
    return resolver is None or (isinstance(resolver, partial) and resolver.func is get_default_resolver())


def _collect(
    selection_set: SelectionSetNode,
    fragments: Fragments,
    variables: Variables,
    nodes: dict[str, list[FieldNode]],
    seen: set[str],
) -> None:
    """Groups fields by response key. The schema has object types only, so a fragment
    applies always.
    """
    for node in selection_set.selections:
        if not _is_wanted(node, variables):
            continue
        if isinstance(node, FieldNode):
            key = node.alias.value if node.alias else node.name.value
            nodes.setdefault(key, []).append(node)
        elif isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name not in seen:
                seen.add(name)
                _collect(fragments[name].selection_set, fragments, variables, nodes, seen)
        else:
            _collect(node.selection_set, fragments, variables, nodes, seen)  # type: ignore[attr-defined]


def _is_wanted(node: Any, variables: Variables) -> bool:
    if not node.directives:
        return True
    values = dict(variables)
    skip = get_directive_values(GraphQLSkipDirective, node, values)
    include = get_directive_values(GraphQLIncludeDirective, node, values)
    return not (skip and skip["if"]) and not (include and not include["if"])
