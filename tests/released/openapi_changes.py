"""Finds what of an OpenAPI document would break a portal that was built against an earlier one.

What a portal sends may become less demanding, never more; what it receives may grow,
never shrink.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

METHODS: Final = ("get", "head", "post", "put", "patch", "delete")
Node = Mapping[str, Any]


class Side:
    """One document, with its references resolved."""

    def __init__(self, document: Node) -> None:
        self.document = document

    def resolved(self, schema: Node) -> Node:
        """The schema itself, or the component that it refers to."""
        while "$ref" in schema:
            found: Any = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        return schema

    def branches(self, schema: Node) -> list[Node]:
        """The schemas of which a value must fit one."""
        schema = self.resolved(schema)
        kinds = schema.get("anyOf") or schema.get("oneOf")
        if kinds:
            return [branch for kind in kinds for branch in self.branches(kind)]
        types = schema.get("type")
        return [{**schema, "type": kind} for kind in types] if isinstance(types, list) else [schema]


def breaking_changes(old: Node, new: Node) -> list[str]:
    """A line for each change that breaks a portal, in the order of the old document."""
    before, after = Side(old), Side(new)
    lines: list[str] = []
    for path, operations in old["paths"].items():
        for method in METHODS:
            if method not in operations:
                continue
            name = f"{method.upper()} {path}"
            operation = new["paths"].get(path, {}).get(method)
            if operation is None:
                lines.append(f"{name} is gone")
                continue
            lines += (f"{name}: {line}" for line in _of_operation(operations[method], operation, before, after))
    return lines


def _of_operation(old: Node, new: Node, before: Side, after: Side) -> Iterator[str]:
    old_parameters, new_parameters = (
        {(each["in"], each["name"]): each for each in operation.get("parameters", ())} for operation in (old, new)
    )
    for key, parameter in new_parameters.items():
        if parameter.get("required") and not old_parameters.get(key, {}).get("required"):
            yield f"{key[1]} is required"
    for key, parameter in old_parameters.items():
        if key not in new_parameters:
            yield f"{key[1]} is not taken any more"
        else:
            yield from _sent(key[1], parameter["schema"], new_parameters[key]["schema"], before, after)
    yield from _of_bodies(old.get("requestBody", {}), new.get("requestBody", {}), before, after)
    for status, response in old["responses"].items():
        if status not in new["responses"]:
            if status.startswith("2"):
                yield f"{status} is not answered any more"
            continue
        for kind, content in response.get("content", {}).items():
            given = new["responses"][status].get("content", {}).get(kind)
            if given is None:
                yield f"{status} is not {kind} any more"
            else:
                yield from _received(status, content.get("schema", {}), given.get("schema", {}), before, after)


def _of_bodies(old: Node, new: Node, before: Side, after: Side) -> Iterator[str]:
    if new.get("required") and not old.get("required"):
        yield "a body is required"
    for kind, content in old.get("content", {}).items():
        taken = new.get("content", {}).get(kind)
        if taken is None:
            yield f"a body of {kind} is not taken any more"
        else:
            yield from _sent("body", content.get("schema", {}), taken.get("schema", {}), before, after)


def _sent(at: str, old: Node, new: Node, before: Side, after: Side) -> Iterator[str]:
    """The changes that refuse what was taken."""
    for was in before.branches(old):
        yield from _nearest([_narrowed(at, was, now, before, after) for now in after.branches(new)])


def _received(at: str, old: Node, new: Node, before: Side, after: Side) -> Iterator[str]:
    """The changes that a reader of the old document does not expect."""
    for now in after.branches(new):
        yield from _nearest([_shrunk(at, was, now, before, after) for was in before.branches(old)])


def _nearest(changes: list[list[str]]) -> list[str]:
    """The changes against the branch that fits best."""
    return min(changes, key=len)


def _narrowed(at: str, old: Node, new: Node, before: Side, after: Side) -> list[str]:
    if new.get("type") not in {None, old.get("type")}:
        return [f"{at} must be {new['type']}"]
    lines = [f"{at} may not be {value!r}" for value in _missing(old.get("enum"), new.get("enum"))]
    properties = new.get("properties", {})
    lines += [f"{at}.{name} is required" for name in _missing(new.get("required", ()), old.get("required", ()))]
    for name, schema in old.get("properties", {}).items():
        if name in properties:
            lines += _sent(f"{at}.{name}", schema, properties[name], before, after)
        else:
            lines.append(f"{at}.{name} is not taken any more")
    if "items" in old and "items" in new:
        lines += _sent(f"{at}[]", old["items"], new["items"], before, after)
    return lines


def _shrunk(at: str, old: Node, new: Node, before: Side, after: Side) -> list[str]:
    if old.get("type") not in {None, new.get("type")} or old.get("format") not in {None, new.get("format")}:
        return [f"{at} may be {new.get('format') or new.get('type') or 'anything'}"]
    properties = new.get("properties", {})
    lines = [
        f"{at}.{name} may be missing"
        for name in _missing(old.get("required", ()), new.get("required", ()))
        if name in properties
    ]
    for name, schema in old.get("properties", {}).items():
        if name in properties:
            lines += _received(f"{at}.{name}", schema, properties[name], before, after)
        else:
            lines.append(f"{at}.{name} is gone")
    if "items" in old and "items" in new:
        lines += _received(f"{at}[]", old["items"], new["items"], before, after)
    return lines


def _missing(wanted: Any, given: Any) -> list[Any]:
    """The values of `wanted` that `given` lacks; None stands for every value."""
    return [value for value in wanted or () if given is not None and value not in given]
