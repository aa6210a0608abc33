"""The cost of an operation: how many values it could return at most, counted before
anything is called.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway_clients.edge.graphql.selection import SelectedField, Selection, Variables
from gateway_clients.edge.input.parameters import MAX_LIMIT

MAX_COST: Final = 5_000
#: How long a list is taken to be when nobody asked for a length.
USUAL_LENGTH: Final = 10
#: Introspection is answered from memory, and the standard query comes to 78,000.
MAX_INTROSPECTION_COST: Final = 100_000
#: How long the lists of the introspection are here, more or less.
INTROSPECTION_LENGTHS: Final[Mapping[str, int]] = {"types": 60, "fields": 10, "directives": 4, "enumValues": 4}
INTROSPECTION_LENGTH: Final = 2


@dataclass(frozen=True, slots=True)
class Cost:
    """The most values that an operation can return, of views and of the introspection."""

    values: int
    introspected: int = 0

    @property
    def is_too_high(self) -> bool:
        """Whether the operation costs more than any portal needs."""
        return self.values > MAX_COST

    @property
    def introspects_too_much(self) -> bool:
        """Whether the introspection costs more than the standard query of tools."""
        return self.introspected > MAX_INTROSPECTION_COST


def cost_of(selection: Selection, variables: Variables) -> Cost:
    """Counts the most values that an operation can return. Raises GraphQLError for bad
    arguments.
    """
    values, introspected = 0, 0
    for field in selection:
        if field.is_introspection:
            introspected += _introspection_cost(field)
        else:
            values += _cost(field, variables, USUAL_LENGTH)
    return Cost(values, introspected)


def _cost(field: SelectedField, variables: Variables, length: int) -> int:
    """A `limit` is the length of the field's own list, or of those on the page that it
    shows.
    """
    if field.child is None:
        return 1
    if field.definition is not None and "limit" in field.definition.args:
        limit = field.arguments(variables).get("limit")
        length = min(max(1, limit), MAX_LIMIT) if isinstance(limit, int) else 1
    below_length = USUAL_LENGTH if field.is_list else length
    below = 1 + sum(_cost(each, variables, below_length) for each in field.child)
    below += sum({each.source.load: each.source.cost for each in field.child if each.source.load}.values())
    return below * (length if field.is_list else 1)


def _introspection_cost(field: SelectedField) -> int:
    if field.child is None:
        return 1
    below = 1 + sum(map(_introspection_cost, field.child))
    return below * (INTROSPECTION_LENGTHS.get(field.name, INTROSPECTION_LENGTH) if field.is_list else 1)
