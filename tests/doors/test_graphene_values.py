"""Values that Graphene's resolvers return become what Graphene itself makes of them, and so do those it cannot show."""

import datetime
from collections.abc import Callable
from types import ModuleType
from typing import Any

import graphene
import pytest
from django.urls import path

import bff_project.schema
from gateway_clients.edge.access import signed_in
from gateway_clients.edge.graphql.scalars import Date
from gateway_clients.edge.graphql.view import GatewayGraphQLView
from tests.graphql.conftest import ask
from tests.portal.conftest import as_, upstreams

__all__ = ["as_", "ask", "upstreams"]

Returning = Callable[[Any, Any], graphene.Schema]
BORN = datetime.date(2026, 2, 3)


class Leg(graphene.ObjectType):
    name = graphene.String(required=True)
    since = Date()


class Trip(graphene.ObjectType):
    number = graphene.Int()
    leg = graphene.Field(Leg)
    first_leg = graphene.Field(Leg, required=True)
    legs = graphene.List(Leg)


@pytest.fixture
def returning(settings: Any) -> Returning:
    """Serves the product's schema with one root field more, of this type and with this value."""

    def use(kind: Any, value: Any) -> graphene.Schema:
        @signed_in
        def resolve_given(_root: None, _info: graphene.ResolveInfo) -> Any:
            if isinstance(value, Exception):
                raise value
            return value

        members = {"given": kind, "resolve_given": staticmethod(resolve_given)}
        query = type("Query", (bff_project.schema.Query,), members)
        schema = graphene.Schema(query=query)
        urls = ModuleType("urls_of_a_test")
        urls.urlpatterns = [path("graphql", GatewayGraphQLView.as_view(schema=schema))]  # type: ignore[attr-defined]
        settings.ROOT_URLCONF = urls
        return schema

    return use


@pytest.mark.parametrize(
    ("kind", "value", "selected"),
    [
        (graphene.Int(), "many", ""),
        (graphene.Int(), 2**40, ""),
        (graphene.List(graphene.Int), [1, None, 2], ""),
        (graphene.List(graphene.List(graphene.Int)), [[1], None, []], ""),
        (graphene.List(graphene.Int), None, ""),
        (Date(), BORN, ""),
        (graphene.Field(Trip), {"number": 1, "leg": {"name": "there", "since": BORN}}, "{ number leg { name since } }"),
        (graphene.Field(Trip), {"number": 1, "leg": None}, "{ number leg { name } }"),
        (graphene.Field(Trip), {"number": 1, "leg": {"name": None}}, "{ number leg { name since } }"),
        (graphene.Field(Trip), {"number": "one", "leg": {"name": "there"}}, "{ number leg { name } }"),
        (graphene.Field(Trip), {"number": 1, "first_leg": {"name": None}}, "{ number firstLeg { name } }"),
        (graphene.Field(Trip), {"number": 1, "first_leg": None}, "{ number firstLeg { name } }"),
        (graphene.Field(Trip), None, "{ number }"),
        (graphene.Field(Trip), {"legs": [{"name": "there"}, None]}, "{ legs { name } }"),
        (graphene.List(Trip), [None, {"number": 1}], "{ number legs { since } }"),
        (graphene.String(required=True), None, ""),
        (graphene.String(required=True), RuntimeError("private"), ""),
        (graphene.Field(Trip, required=True), {"first_leg": {"name": None}}, "{ firstLeg { name } }"),
    ],
)
def test_a_value_is_shown_as_graphene_shows_it(
    returning: Returning, ask: Any, upstreams: Any, kind: Any, value: Any, selected: str
) -> None:
    query = f"{{ first: __typename given {selected} last: __typename }}"
    graphene_says = returning(kind, value).execute(query)

    answer = ask("member", query)

    assert answer["data"] == graphene_says.data
    assert [each["path"] for each in answer.get("errors", [])] == [each.path for each in graphene_says.errors or []]
    assert "private" not in str(answer)


def test_a_null_item_where_none_may_be_is_left_out_and_told_of(returning: Returning, ask: Any, upstreams: Any) -> None:
    returning(graphene.List(graphene.NonNull(Trip)), [{"number": 1}, None])

    answer = ask("member", "{ given { number } }")

    assert answer["data"] == {"given": [{"number": 1}]}
    assert [each["path"] for each in answer["errors"]] == [["given", 1]]
