"""Limits on documents, checked in linear time before the rules of the GraphQL
specification.

The specified rules compare fields of one name pair by pair, and fragments with each
other, which is cheap within these limits. A fragment is measured once however often it
is spread. An unknown or circular fragment counts as empty; the specified rules refuse
it.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
)

from gateway_clients.edge.graphql.selection import INTROSPECTION

MAX_BYTES: Final = 64_000
MAX_TOKENS: Final = 2_000
MAX_DEPTH: Final = 8
#: The standard introspection query unfolds types of types nine times.
MAX_INTROSPECTION_DEPTH: Final = 20
MAX_ALIASES: Final = 20
MAX_ROOT_FIELDS: Final = 10
MAX_DIRECTIVES: Final = 40
MAX_FRAGMENTS: Final = 40
MAX_SPREADS: Final = 100
MAX_OPERATIONS: Final = 20
#: Written in the document, and after its fragments are unfolded.
MAX_FIELDS: Final = 500
MAX_UNFOLDED_FIELDS: Final = 2_000
#: Of one name side by side, fragments unfolded.
MAX_REPEATS: Final = 30
TYPENAME: Final = "__typename"


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a selection with its fragments unfolded.

    `names` counts the response names at its top level, `own` the fields there that are
    not `__typename`, which may stand anywhere.
    """

    depth: int = 0
    fields: int = 0
    own: int = 0
    names: Counter[str] = field(default_factory=Counter)


NOTHING: Final = Size()


@dataclass(slots=True)
class Measures:
    """The measures of one document."""

    fragments: dict[str, FragmentDefinitionNode]
    aliases: int = 0
    directives: int = 0
    spreads: int = 0
    fields: int = 0
    most_repeats: int = 0
    is_introspection_too_deep: bool = False
    _known: dict[str, Size] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)

    def fragment(self, name: str) -> Size:
        """The size of a fragment; 0 for one that is unknown or is being measured
        already.
        """
        if name not in self._known:
            if name not in self.fragments or name in self._open:
                return NOTHING
            self._open.add(name)
            definition = self.fragments[name]
            self.directives += len(definition.directives)
            self._known[name] = self.selection(definition.selection_set)
            self._open.discard(name)
        return self._known[name]

    def selection(self, selection_set: SelectionSetNode) -> Size:
        """The size of a selection set."""
        depth = fields = own = 0
        names: Counter[str] = Counter()
        for node in selection_set.selections:
            self.directives += len(node.directives)
            size = self._node(node)
            depth, fields, own = max(depth, size.depth), fields + size.fields, own + size.own
            names.update(size.names)
        self.most_repeats = max(self.most_repeats, *names.values(), 0)
        return Size(depth, fields, own, names)

    def _node(self, node: SelectionNode) -> Size:
        if isinstance(node, FieldNode):
            return self._field(node)
        if isinstance(node, FragmentSpreadNode):
            self.spreads += 1
            return self.fragment(node.name.value) if self.spreads <= MAX_SPREADS else NOTHING
        return self.selection(node.selection_set)  # type: ignore[attr-defined]  # an inline fragment

    def _field(self, node: FieldNode) -> Size:
        self.fields += 1
        self.aliases += node.alias is not None
        names = Counter((node.alias.value if node.alias else node.name.value,))
        below = NOTHING if node.selection_set is None else self.selection(node.selection_set)
        if node.name.value in INTROSPECTION:
            self.is_introspection_too_deep |= below.depth > MAX_INTROSPECTION_DEPTH
            return Size(1, below.fields + 1, 1, names)
        return Size(below.depth + 1, below.fields + 1, int(node.name.value != TYPENAME), names)


def check(document: DocumentNode) -> None:
    """Raises GraphQLError, which names the limit, for a document that exceeds one."""
    definitions = document.definitions
    fragments = [each for each in definitions if isinstance(each, FragmentDefinitionNode)]
    operations = [each for each in definitions if isinstance(each, OperationDefinitionNode)]
    _refuse_past(MAX_FRAGMENTS, len(fragments), "fragments")
    _refuse_past(MAX_OPERATIONS, len(operations), "operations")
    measures = Measures({each.name.value: each for each in fragments})
    sizes = [(each, measures.selection(each.selection_set)) for each in operations]
    measures.directives += sum(len(each.directives) for each in operations)
    for each in fragments:
        measures.fragment(each.name.value)
    _refuse_past(MAX_ALIASES, measures.aliases, "aliases")
    _refuse_past(MAX_DIRECTIVES, measures.directives, "directives")
    _refuse_past(MAX_SPREADS, measures.spreads, "fragment spreads")
    _refuse_past(MAX_FIELDS, measures.fields, "fields")
    for operation, size in sizes:
        _refuse_past(MAX_UNFOLDED_FIELDS, size.fields, "fields with its fragments unfolded")
        _refuse_past(MAX_DEPTH, size.depth, "levels of fields")
        is_mutation = operation.operation is OperationType.MUTATION
        _refuse_past(1 if is_mutation else MAX_ROOT_FIELDS, size.own, "root fields")
    _refuse_past(MAX_REPEATS, measures.most_repeats, "fields of one name side by side")
    if measures.is_introspection_too_deep:
        raise GraphQLError("The introspection is too deep.")


def _refuse_past(limit: int, count: int, what: str) -> None:
    if count > limit:
        raise GraphQLError(f"The document has more than {limit} {what}.")
