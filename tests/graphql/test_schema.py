"""How the types of the schema come about. What it promises to portals: tests/released."""

import pytest
from graphql import GraphQLObjectType

from bff_project.schema import schema
from gateway_clients.edge.access.rules import rule_of
from gateway_clients.edge.graphql.type_registry import TypeNameTakenError, TypeRegistry
from gateway_clients.edge.graphql.types import TYPES
from gateway_clients.edge.output.view_models import ViewModel


def test_every_root_field_has_an_access_rule() -> None:
    for root in (schema.graphql_schema.query_type, schema.graphql_schema.mutation_type):
        assert root is not None
        for name, field in root.fields.items():
            assert rule_of(field.resolve) is not None, f"{root.name}.{name} has no access rule"


class Thing(ViewModel):
    """Something."""

    id: str
    note: str | None
    count: int


def another(name: str) -> type[ViewModel]:
    class Other(ViewModel):
        """Something else."""

        id: str

    Other.__name__ = name
    return Other


def test_a_second_view_model_of_one_name_is_refused() -> None:
    homes = TypeRegistry()
    homes.make(Thing)

    with pytest.raises(TypeNameTakenError, match="Thing"):
        homes.make(another("Thing"))


def test_a_view_model_makes_one_type() -> None:
    homes = TypeRegistry()
    homes.make(Thing, name="Something")

    with pytest.raises(TypeNameTakenError):
        homes.make(Thing)


def test_a_type_made_by_the_way_takes_its_name_too() -> None:
    homes = TypeRegistry()
    homes.of(Thing)

    assert homes.of(Thing) is homes.of(Thing)
    with pytest.raises(TypeNameTakenError):
        homes.make(another("Thing"))


def test_every_type_of_the_schema_has_its_home() -> None:
    shown = {
        name
        for name, kind in schema.graphql_schema.type_map.items()
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__") and name not in {"Query", "Mutation"}
    }

    assert shown == set(TYPES.by_name)
