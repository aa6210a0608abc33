"""What the last release promised to portals holds: its GraphQL schema and its OpenAPI document.

`make released` keeps the documents of a release beside this file; nothing else changes them.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from graphql import build_schema, find_breaking_changes, print_schema

from bff_project.schema import schema
from tests.released.openapi_changes import breaking_changes

RELEASED = Path(__file__).parent
ROOT = RELEASED.parents[1]
GRAPHQL = (RELEASED / "schema.graphql").read_text()
OPENAPI = yaml.safe_load((RELEASED / "openapi.yaml").read_text())


def openapi_document() -> Any:
    """The OpenAPI document of this version."""
    return json.loads(OpenApiJsonRenderer().render(SchemaGenerator().get_schema(public=True), renderer_context={}))


def test_the_schema_breaks_nothing_that_was_released() -> None:
    now = build_schema(print_schema(schema.graphql_schema))

    assert [change.description for change in find_breaking_changes(build_schema(GRAPHQL), now)] == []


def test_a_renamed_graphql_field_is_a_breaking_change() -> None:
    renamed = build_schema(GRAPHQL.replace("  planName: String\n", "  planTitle: String\n"))

    assert "MemberDashboard.planName was removed." in [
        change.description for change in find_breaking_changes(build_schema(GRAPHQL), renamed)
    ]


def test_the_openapi_document_breaks_nothing_that_was_released() -> None:
    assert breaking_changes(OPENAPI, openapi_document()) == []


def test_the_kept_documents_are_those_of_this_version() -> None:
    assert yaml.safe_load((ROOT / "openapi.yaml").read_text()) == openapi_document(), "`make schema` writes it anew"
    assert (ROOT / "schema.graphql").read_text().strip() == print_schema(schema.graphql_schema).strip()


Change = Callable[[Any], None]


def pop(*path: Any) -> Change:
    def change(document: Any) -> None:
        for part in path[:-1]:
            document = document[part]
        document.pop(path[-1])

    return change


def put(value: Any, *path: Any) -> Change:
    def change(document: Any) -> None:
        for part in path[:-1]:
            document = document[part]
        document[path[-1]] = value

    return change


JSON = "application/json"
SMALL: dict[str, Any] = {
    "paths": {
        "/things/{id}": {
            "get": {
                "parameters": [
                    {"in": "path", "name": "id", "required": True, "schema": {"type": "string"}},
                    {"in": "query", "name": "status", "schema": {"enum": ["new", "old"], "type": "string"}},
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
                },
            },
            "patch": {
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Change"}}},
                },
                "responses": {"204": {"description": ""}},
            },
        }
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["id", "note"],
                "properties": {
                    "id": {"type": "string"},
                    "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
                },
            },
            "Part": {"type": "object", "properties": {"size": {"type": "integer"}}},
            "Change": {"type": "object", "properties": {"note": {"type": "string"}, "size": {"type": "integer"}}},
        }
    },
}
PAGE = {"in": "query", "name": "page", "required": True, "schema": {}}
GET, PATCH = ("paths", "/things/{id}", "get"), ("paths", "/things/{id}", "patch")
THING, PART, CHANGE = (("components", "schemas", name) for name in ("Thing", "Part", "Change"))
ANSWER = (*GET, "responses", "200")


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (pop(*GET), ["GET /things/{id} is gone"]),
        (pop(*ANSWER), ["GET /things/{id}: 200 is not answered any more"]),
        (pop(*THING, "properties", "id"), ["GET /things/{id}: 200.id is gone"]),
        (put(["id"], *THING, "required"), ["GET /things/{id}: 200.note may be missing"]),
        (put({"type": "integer"}, *THING, "properties", "id"), ["GET /things/{id}: 200.id may be integer"]),
        (
            put({"type": ["integer", "null"]}, *PART, "properties", "size"),
            ["GET /things/{id}: 200.parts[].size may be null"],
        ),
        (put(["size"], *CHANGE, "required"), ["PATCH /things/{id}: body.size is required"]),
        (pop(*CHANGE, "properties", "note"), ["PATCH /things/{id}: body.note is not taken any more"]),
        (put(True, *PATCH, "requestBody", "required"), ["PATCH /things/{id}: a body is required"]),
        (
            put([], *GET, "parameters"),
            [
                "GET /things/{id}: id is not taken any more",
                "GET /things/{id}: status is not taken any more",
            ],
        ),
        (
            put([PAGE, *SMALL["paths"]["/things/{id}"]["get"]["parameters"]], *GET, "parameters"),
            ["GET /things/{id}: page is required"],
        ),
        (
            put({"enum": ["new"], "type": "string"}, *GET, "parameters", 1, "schema"),
            ["GET /things/{id}: status may not be 'old'"],
        ),
        (put({"type": "boolean"}, *THING, "properties", "more"), []),
        (put({"type": "string"}, *THING, "properties", "note"), []),
        (put({"type": ["string", "null"]}, *CHANGE, "properties", "note"), []),
        (put({"type": "string"}, *CHANGE, "properties", "more"), []),
    ],
)
def test_a_change_of_the_document_breaks(change: Change, lines: list[str]) -> None:
    changed = copy.deepcopy(SMALL)
    change(changed)

    assert breaking_changes(SMALL, changed) == lines
