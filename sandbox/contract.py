"""One service's contract: its operations, found by method and path, with the schemas of what goes in and out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs
import yaml

from sandbox.messages import ProblemError, Request
from sandbox.schemas import Json, enum_names, inlined, json_schema

FOLDER: Final = Path(__file__).parent / "contracts"
METHODS: Final = ("get", "post", "put", "patch", "delete")

Validator = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of the path, the query or a header."""

    name: str
    place: str
    is_required: bool
    kind: str
    schema: Json
    validator: Validator = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A body in one content type; `validator` is None where it is bytes."""

    content_type: str
    schema: Json
    validator: Validator | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. `answers` maps a status (or `default`) to its bodies by content type."""

    id: str
    method: str
    path: str
    pattern: re.Pattern[str]
    parameters: tuple[Parameter, ...]
    body: Media | None
    is_body_required: bool
    answers: Mapping[str, Mapping[str, Media]]
    enum_names: frozenset[str]

    @property
    def needs_key(self) -> bool:
        """Whether the contract asks for an Idempotency-Key."""
        return any(parameter.name == "Idempotency-Key" for parameter in self.parameters)


@dataclass(frozen=True, slots=True)
class Match:
    """The operation a request is for, with the decoded values of its path."""

    operation: Operation
    path_values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contract:
    """The operations of one service, those with fixed paths first."""

    service: str
    operations: tuple[Operation, ...]

    def match(self, request: Request) -> Match:
        """The operation for this method and path. Raises ProblemError: 404 for no such path, 405 for no such method."""
        allowed = []
        for operation in self.operations:
            found = operation.pattern.fullmatch(request.path)
            if found is None:
                continue
            if operation.method == request.method:
                return Match(operation, {name: unquote(value) for name, value in found.groupdict().items()})
            allowed.append(operation.method)
        if allowed:
            raise ProblemError(405, "no such method here", headers=(("Allow", ", ".join(allowed)),))
        raise ProblemError(404, "no such address")


@cache
def load_contract(service: str) -> Contract:
    """The contract of a service, read from its YAML file."""
    text = (FOLDER / f"{service}.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    operations = []
    for path, item in document["paths"].items():
        shared = item.get("parameters", [])
        operations += [
            _operation(
                path, method, {**item[method], "parameters": shared + item[method].get("parameters", [])}, document
            )
            for method in METHODS
            if method in item
        ]
    operations.sort(key=lambda operation: operation.path.count("{"))
    return Contract(service, tuple(operations))


def _operation(path: str, method: str, raw: Json, document: Json) -> Operation:
    raw = inlined(raw, document)
    body = raw.get("requestBody", {})
    medias = _medias(body)
    return Operation(
        id=raw["operationId"],
        method=method.upper(),
        path=path,
        pattern=re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)),
        parameters=tuple(_parameter(parameter) for parameter in raw["parameters"]),
        body=next(iter(medias.values()), None),
        is_body_required=body.get("required", False),
        answers={status: _medias(answer) for status, answer in raw["responses"].items()},
        enum_names=frozenset(enum_names(raw["responses"])),
    )


def _parameter(raw: Json) -> Parameter:
    schema = json_schema(raw["schema"])
    return Parameter(
        name=raw["name"],
        place=raw["in"],
        is_required=raw.get("required", False),
        kind=schema["type"],
        schema=schema,
        validator=_validator(schema),
    )


def _medias(raw: Json) -> dict[str, Media]:
    medias = {}
    for content_type, media in raw.get("content", {}).items():
        schema = json_schema(media["schema"])
        is_bytes = schema.get("format") == "binary"
        medias[content_type] = Media(
            content_type=content_type, schema=schema, validator=None if is_bytes else _validator(schema)
        )
    return medias


def _validator(schema: Json) -> Validator:
    return jsonschema_rs.validator_for(schema, validate_formats=True)
