"""What an operation asks for, as a tree: fragments unfolded, fields merged, what @skip and @include leave out gone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

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
    """One field that was asked for. Without a definition it is `__typename`.

    `slot`: under what its value stands in the data; the source's name, unless arguments make it one of several.
    """

    key: str
    name: str
    nodes: tuple[FieldNode, ...]
    definition: GraphQLField | None = None
    source: Source = NO_SOURCE
    slot: str = ""
    child: "Selection | None" = None
    is_list: bool = False
    is_required: bool = False
    is_int: bool = False

    @property
    def node(self) -> FieldNode:
        """Where it stands first."""
        return self.nodes[0]

    @property
    def is_introspection(self) -> bool:
        """Whether it asks about the schema."""
        return self.name in INTROSPECTION

    def arguments(self, variables: Variables) -> dict[str, Any]:
        """Its arguments by their names here. Raises GraphQLError for a variable that may not be null here."""
        assert self.definition is not None
        return get_argument_values(self.definition, self.node, dict(variables))


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for of one object.

    `has_loads`: somewhere below are fields that are loaded for many at once. `has_limits`: somewhere are lists whose
    length is asked for. `sources`: the names that the asked fields have in the view model. `copied`: keys and slots,
    where every field is a value that is shown as it is, when there is one. `notes`: what others have worked out of it.
    """

    type_name: str
    fields: tuple[SelectedField, ...]
    has_loads: bool
    has_limits: bool = False
    sources: frozenset[str] = frozenset()
    copied: tuple[tuple[str, str], ...] | None = None
    notes: dict[str, Any] = field(default_factory=dict, compare=False)

    def __iter__(self) -> Iterator[SelectedField]:
        return iter(self.fields)


def select(
    parent: GraphQLObjectType, selection_sets: list[SelectionSetNode], fragments: Fragments, variables: Variables
) -> Selection:
    """The tree below an object of a validated document."""
    nodes: dict[str, list[FieldNode]] = {}
    seen: set[str] = set()
    for selection_set in selection_sets:
        _collect(selection_set, fragments, variables, nodes, seen)
    fields = tuple(_selected_field(parent, key, same, fragments, variables) for key, same in nodes.items())
    has_loads = any(field.source.load or (field.child and field.child.has_loads) for field in fields)
    is_copied = all(map(_is_copied, fields))
    copied = tuple((field.key, field.slot) for field in fields) if is_copied else None
    sources = frozenset(field.source.name for field in fields if field.source.name)
    has_limits = any(map(_has_limits, fields))
    return Selection(parent.name, fields, bool(has_loads), has_limits, sources, copied)


def _has_limits(field: SelectedField) -> bool:
    if field.child is not None and field.child.has_limits:
        return True
    return field.definition is not None and "limit" in field.definition.args


def _is_copied(field: SelectedField) -> bool:
    is_value = field.definition is not None and field.child is None and not field.is_int
    return is_value and field.source.convert is None


def _selected_field(
    parent: GraphQLObjectType, key: str, nodes: list[FieldNode], fragments: Fragments, variables: Variables
) -> SelectedField:
    name = nodes[0].name.value
    definition = parent.fields.get(name) or INTROSPECTION.get(name)
    if definition is None:
        return SelectedField(key, name, tuple(nodes))
    source = _source(parent, name)
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
        slot=f"{source.name}:{key}" if definition.args else source.name,
        child=child,
        is_list=isinstance(kind, GraphQLList),
        is_required=is_required,
        is_int=kind is GraphQLInt,
    )


def _source(parent: GraphQLObjectType, name: str) -> Source:
    """Only types made from view models have sources."""
    sources: Mapping[str, Source] = getattr(getattr(parent, "graphene_type", None), "sources", {})
    return sources.get(name, NO_SOURCE)


def _collect(
    selection_set: SelectionSetNode,
    fragments: Fragments,
    variables: Variables,
    nodes: dict[str, list[FieldNode]],
    seen: set[str],
) -> None:
    """Fields by the key they are shown under. A fragment's type is its parent's: the schema has objects only."""
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
