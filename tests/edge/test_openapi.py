"""The OpenAPI document: made of the view models, whole, and of one name for each."""

import json
from collections import Counter
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import pytest
from django.test import Client
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry
from drf_spectacular.validation import validate_schema

from gateway_clients.edge.openapi import ViewModelExtension
from gateway_clients.edge.parameters import declared_names
from gateway_clients.edge.rules import rule_of
from gateway_clients.edge.view_models import ViewModel
from gateway_clients.edge.views import GatewayViewSet

pytestmark = pytest.mark.django_db


class Tone(StrEnum):
    """How it sounds."""

    HIGH = "high"
    LOW = "low"


class Inner(ViewModel):
    """What is inside."""

    tone: Tone


class Outer(ViewModel):
    """What holds it."""

    amount: Annotated[int, msgspec.Meta(ge=0, description="Whole rupiah.")]
    inner: list[Inner]
    note: str | None
    extra: Inner | msgspec.UnsetType = msgspec.UNSET


@pytest.fixture
def document(portal: Client) -> dict[str, Any]:
    """The document as it is served."""
    answer = portal.get("/api/v1/schema", headers={"Accept": "application/vnd.oai.openapi+json"})
    document: dict[str, Any] = json.loads(answer.content)
    return document


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate_schema(document)


def test_every_reference_in_it_is_there(document: dict[str, Any]) -> None:
    named = set(document["components"]["schemas"])
    referred = {text.rpartition("/")[2] for text in _references(document)}

    assert referred <= named


def test_every_operation_says_what_it_is_for_and_how_it_fails(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], f"{method} {path}"
            assert {"400", "429", "500"} <= set(operation["responses"]), f"{method} {path}"


def test_calls_that_need_a_token_say_so_and_sign_in_does_not(document: dict[str, Any]) -> None:
    assert document["paths"]["/api/v1/auth/me"]["get"]["security"] == [{"access_token": []}]
    assert "security" not in document["paths"]["/api/v1/auth/login"]["post"]


def test_a_view_model_becomes_components_with_all_that_it_says() -> None:
    registry = ComponentRegistry()
    schema = AutoSchema()
    schema.registry = registry
    mapped = ViewModelExtension(Outer).map_serializer(schema, "response")
    components = registry.build({})["schemas"]

    assert mapped["required"] == ["amount", "inner", "note"]
    assert mapped["description"] == "What holds it."
    assert mapped["properties"]["amount"] == {"type": "integer", "minimum": 0, "description": "Whole rupiah."}
    assert mapped["properties"]["inner"] == {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}}
    assert mapped["properties"]["note"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert components["Tone"]["enum"] == ["high", "low"]
    assert components["Inner"]["properties"] == {"tone": {"$ref": "#/components/schemas/Tone"}}


def test_no_two_view_models_share_a_name() -> None:
    own = [model for model in _subclasses(ViewModel) if not model.__module__.startswith("tests.")]

    assert [name for name, count in Counter(model.__name__ for model in own).items() if count > 1] == []


def _subclasses(model: type) -> list[type]:
    return [each for child in model.__subclasses__() for each in (child, *_subclasses(child))]


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [each for child in value.values() for each in _references(child)]
    return [each for child in value for each in _references(child)] if isinstance(value, list) else []


def test_an_address_takes_what_its_rule_reads_from_the_query() -> None:
    rules = [
        (action, rule, declared_names(action))
        for viewset in _subclasses(GatewayViewSet)
        if not viewset.__module__.startswith("tests.")
        for action in vars(viewset).values()
        if (rule := rule_of(action)) is not None
    ]

    assert len(rules) > 20
    assert [action for action, rule, names in rules if not names.issuperset(rule.query_ids)] == []


def test_the_document_lists_what_an_address_takes(document: dict[str, Any]) -> None:
    operations = {
        operation["operationId"]: {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        for methods in document["paths"].values()
        for operation in methods.values()
    }

    assert operations["member_claims_list"] == {"status", "service_date_from", "service_date_to", "limit", "offset"}
    assert {"unread", "limit"} in operations.values()
    assert {"member_id", "provider_id", "status", "service_date_from", "service_date_to", "limit", "offset"} in (
        operations.values()
    )
