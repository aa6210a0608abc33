"""From the schemas of OpenAPI 3.0 to plain JSON Schema."""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def inlined(node: Any, document: Json) -> Any:
    """The node with each local `$ref` replaced by what it points to. Contracts have no circular references."""
    if isinstance(node, list):
        return [inlined(item, document) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return inlined(target, document)
    return {name: inlined(value, document) for name, value in node.items()}


def json_schema(node: Any) -> Any:
    """The schema with `nullable: true` said as JSON Schema says it."""
    if isinstance(node, list):
        return [json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {name: json_schema(value) for name, value in node.items() if name != "nullable"}
    if node.get("nullable") is True:
        plain["type"] = [node["type"], "null"]
        if "enum" in node:
            plain["enum"] = [*node["enum"], None]
    return plain


def enum_names(schema: Any) -> Iterator[str]:
    """The names of the properties, at any depth, whose values come from a fixed list."""
    if isinstance(schema, list):
        for item in schema:
            yield from enum_names(item)
    elif isinstance(schema, dict):
        for name, value in schema.items():
            if isinstance(value, dict) and "enum" in value:
                yield name
            yield from enum_names(value)
