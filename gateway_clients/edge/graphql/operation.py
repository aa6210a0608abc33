"""One operation of a checked document: its variables, its selections and what it costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from django.conf import settings
from graphql import (
    DocumentNode,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
)
from graphql.execution.values import get_variable_values

from gateway_clients.edge.graphql.complexity import Cost, cost_of
from gateway_clients.edge.graphql.errors import MAX_ERRORS, RequestRefusedError
from gateway_clients.edge.graphql.memory_allowance import Account, weight_of
from gateway_clients.edge.graphql.selection import Fragments, SelectedField, Selection, Variables, select

#: How many ways through one operation's @skip and @include are kept.
MAX_KEPT_SELECTIONS: Final = 16
#: What a selection's cost is noted under, and the header that tells it.
COST: Final = "cost"
COST_HEADER: Final = "X-GraphQL-Cost"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a checked document.

    `conditions` names the variables of its @skip and @include directives. `texts` names
    its variables if all of them are strings or ids. `account` is the memory allowance
    of its document.
    """

    schema: GraphQLSchema
    node: OperationDefinitionNode
    fragments: Fragments
    conditions: tuple[str, ...]
    account: Account
    texts: tuple[str, ...] | None = None
    _selections: dict[tuple[Any, ...], Selection] = field(default_factory=dict)

    @property
    def is_mutation(self) -> bool:
        """Whether the operation is a mutation."""
        return self.node.operation is OperationType.MUTATION

    def introspect(self, asked: Sequence[SelectedField], given: Mapping[str, Any]) -> dict[str, Any]:
        """Executes `__schema` and `__type` with graphql-core."""
        nodes = [node for chosen in asked for node in chosen.nodes]
        operation = OperationDefinitionNode(
            operation=OperationType.QUERY,
            variable_definitions=self.node.variable_definitions,
            selection_set=SelectionSetNode(selections=nodes),
        )
        result = execute_sync(
            self.schema, DocumentNode(definitions=[operation, *self.fragments.values()]), variable_values=dict(given)
        )
        return result.data or {}

    def variables(self, given: Mapping[str, Any]) -> Variables:
        """Coerces the variables to the types of the schema. Raises RequestRefusedError."""
        if not self.node.variable_definitions:
            return {}
        if self.texts is not None and all(type(given.get(name)) is str for name in self.texts):
            return {name: given[name] for name in self.texts}
        found = get_variable_values(self.schema, self.node.variable_definitions, dict(given), max_errors=MAX_ERRORS)
        if isinstance(found, list):
            raise RequestRefusedError(found)
        return found

    def selection(self, variables: Variables) -> tuple[Selection, Cost]:
        """The selection and its cost, given these variables.

        Raises RequestRefusedError for an operation that costs too much, and
        GraphQLError for bad arguments.
        """
        case = tuple(variables.get(name) for name in self.conditions)
        selection = self._selections.get(case)
        if selection is not None and not selection.has_limits:
            return selection, selection.notes[COST]
        if selection is None:
            root = self.schema.get_root_type(self.node.operation)
            assert root is not None
            selection = select(root, [self.node.selection_set], self.fragments, variables)
        cost = selection.notes[COST] = cost_of(selection, variables)
        if cost.is_too_high or cost.introspects_too_much:
            self._refuse(cost)
        if case not in self._selections and self._is_to_keep(case, selection):
            self._selections[case] = selection
        return selection, cost

    def _refuse(self, cost: Cost) -> None:
        """Raises RequestRefusedError, unless the costs of views are only measured."""
        if settings.GRAPHQL_COST_MODE == "measure" and not cost.introspects_too_much:
            name = self.node.name.value if self.node.name else None
            log.warning("graphql.cost_exceeded", operation=name, cost=cost.values)
            return
        raise RequestRefusedError(
            ["The operation could cost too much: ask for fewer fields, or for shorter lists."],
            headers={COST_HEADER: str(cost.values)},
        )

    def _is_to_keep(self, case: tuple[Any, ...], selection: Selection) -> bool:
        """Whether there is room for the selection. Its nodes are measured with the
        document.
        """
        if len(self._selections) >= MAX_KEPT_SELECTIONS or not self.account.is_open:
            return False
        return self.account.take(weight_of(case, selection, without=(Node,)))
