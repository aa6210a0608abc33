"""The OpenAPI document: made of the view models, whole, and of one name for each."""

import json
import re
from collections import Counter
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import pytest
from django.test import Client
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry
from drf_spectacular.validation import validate_schema

from gateway_clients.edge.access.rules import rule_of
from gateway_clients.edge.input.parameters import declared_names
from gateway_clients.edge.openapi.operations import ViewModelExtension
from gateway_clients.edge.output.view_models import ViewModel
from gateway_clients.edge.rest.views import GatewayViewSet
from gateway_clients.errors import ErrorCode

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
    named = {name for kind in ("schemas", "headers") for name in document["components"][kind]}
    referred = {text.rpartition("/")[2] for text in _references(document)}

    assert referred <= named


def test_each_answer_tells_its_headers_and_a_read_its_304(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                told = set(response["headers"])
                assert "X-Request-ID" in told, f"{status} {method} {path}"
                assert ("Retry-After" in told) >= (status in {"429", "503"}), f"{status} {method} {path}"
                assert ("WWW-Authenticate" in told) is (status == "401"), f"{status} {method} {path}"
                assert ("RateLimit" in told) is (path != "/api/v1/events"), f"{status} {method} {path}"
            is_json = "application/json" in operation["responses"].get("200", {}).get("content", {})
            assert ("304" in operation["responses"]) is (method == "get" and is_json), f"{method} {path}"
    pending = document["paths"]["/api/v1/claims"]["post"]["responses"]["202"]
    assert {"Location", "Retry-After", "Idempotency-Replayed"} <= set(pending["headers"])


def test_the_codes_of_errors_are_an_enumeration_of_all_there_are(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert schemas["Problem"]["properties"]["code"] == {"$ref": "#/components/schemas/ErrorCode"}
    assert set(schemas["ErrorCode"]["enum"]) == set(ErrorCode)


def test_operations_have_names_that_make_functions_and_tags_that_are_told(document: dict[str, Any]) -> None:
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]

    names = [each["operationId"] for each in operations]
    assert [name for name in names if not re.fullmatch("[a-z]+([A-Z][a-z]+)*", name)] == []
    assert {tag for each in operations for tag in each["tags"]} == {tag["name"] for tag in document["tags"]}
    assert document["servers"][0]["url"] == "/"


def test_the_sections_of_a_view_are_required_unless_the_request_has_named_some(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    shown = document["paths"]["/api/v1/dashboard/{member_id}"]["get"]["responses"]["200"]["content"]

    assert shown["application/json"]["schema"] == {
        "anyOf": [
            {"$ref": "#/components/schemas/MemberDashboard"},
            {"$ref": "#/components/schemas/MemberDashboardPart"},
        ]
    }
    assert schemas["MemberDashboard"]["required"] == list(schemas["MemberDashboard"]["properties"])
    assert schemas["MemberDashboardPart"]["required"] == ["meta"]


def test_a_submission_is_not_taken_for_a_claim_of_a_member(document: dict[str, Any]) -> None:
    operation = document["paths"]["/api/v1/claims/{member_id}/{claim_id}"]["get"]
    (schema,) = [each["schema"] for each in operation["parameters"] if each["name"] == "member_id"]

    assert re.search(schema["pattern"], "m-1")
    assert not re.search(schema["pattern"], "submissions")


def test_every_operation_says_what_it_is_for_and_how_it_fails(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], f"{method} {path}"
            assert {"400", "429", "500"} <= set(operation["responses"]), f"{method} {path}"


def test_a_delete_tells_its_body_where_it_takes_one(document: dict[str, Any]) -> None:
    told = {
        path: methods["delete"].get("requestBody") for path, methods in document["paths"].items() if "delete" in methods
    }

    assert {path: body for path, body in told.items() if body} == {
        "/api/v1/auth/otp": {
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OtpRemovalInput"}}},
            "required": True,
        }
    }
    assert set(document["components"]["schemas"]["OtpRemovalInput"]["required"]) == {"password", "otp"}


def test_calls_that_need_a_token_say_so_and_sign_in_does_not(document: dict[str, Any]) -> None:
    assert document["paths"]["/api/v1/auth/me"]["get"]["security"] == [
        {"session_cookie": []},
        {"access_token": []},
    ]
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


def test_each_amount_stands_beside_itself_for_people(document: dict[str, Any]) -> None:
    amounts = [
        (name, field, schema["properties"])
        for name, schema in document["components"]["schemas"].items()
        if not name.endswith("Input")
        for field, kind in schema.get("properties", {}).items()
        if "whole rupiah" in json.dumps(kind).lower()
    ]

    assert len(amounts) > 15
    assert [(name, field) for name, field, fields in amounts if f"formatted_{field}" not in fields] == []


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

    assert operations["listMemberClaims"] == {"status", "service_date_from", "service_date_to", "limit", "offset"}
    assert {"unread", "limit"} in operations.values()
    dates = {"service_date_from", "service_date_to"}
    assert operations["listClaims"] == (
        {"member_id", "provider_id", "status", "claim_number", "limit", "offset"} | dates
    )
