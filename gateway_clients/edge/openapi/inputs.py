"""How the OpenAPI document tells of input: as strictly as it is checked."""

from collections.abc import Iterable
from typing import Any, Final

from django.core.validators import RegexValidator
from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction

from gateway_clients.caching.keys import ID_RULE
from gateway_clients.edge.input.ids import ID_SCHEMA
from gateway_clients.edge.input.serializers import IdField, StrictCharField, StrictSerializer
from gateway_clients.services.payload_parser import MAX_SAFE_INTEGER

#: Texts without NUL, and those that hold more than spaces.
ANY_TEXT: Final = "^[^\\u0000]*$"
SOME_TEXT: Final = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$"


#: Of texts of these formats, how many letters they have at most.
LENGTHS: Final = {"date": 10, "date-time": 40}
#: Ids that no member has at addresses that begin so: another address is there.
RESERVED: Final = {"/api/v1/claims/{member_id}": "submissions"}


def describe_inputs(result: dict[str, Any], **_given: Any) -> dict[str, Any]:
    """A hook of drf-spectacular: bodies must be there, reserved words are no ids, values have their bounds."""
    for path, methods in result["paths"].items():
        reserved = next((word for start, word in RESERVED.items() if path.startswith(start)), None)
        for operation in methods.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
            for parameter in operation.get("parameters", ()):
                if parameter.get("in") == "path":
                    parameter["schema"] = {**parameter["schema"], "maxLength": 64}
                    if reserved and parameter["name"] == "member_id":
                        parameter["schema"]["pattern"] = f"^(?!{reserved}$){ID_RULE}$"
    schemas = result["components"]["schemas"]
    _bound(schemas)
    for schema in schemas.values():
        if schema.get("additionalProperties") is False:
            _bar_nul(schema["properties"].values())
    return result


def _bar_nul(fields: Iterable[dict[str, Any]]) -> None:
    """Texts that are taken, and may be blank or null, hold no NUL either."""
    for field in fields:
        if "string" in field.get("type", ()) and not {"pattern", "format", "enum"} & set(field):
            field["pattern"] = ANY_TEXT


def _bound(node: Any) -> None:
    """Whole numbers are those that every JSON reader keeps exactly; days and moments are as long as they are."""
    if isinstance(node, list):
        for each in node:
            _bound(each)
    elif isinstance(node, dict):
        if node.get("type") == "string" and node.get("format") in LENGTHS:
            node.setdefault("maxLength", LENGTHS[node["format"]])
        if node.get("type") == "integer":
            node.setdefault("format", "int64")
            node.setdefault("minimum", -MAX_SAFE_INTEGER)
            node.setdefault("maximum", MAX_SAFE_INTEGER)
        for each in node.values():
            _bound(each)


class OperationSchema(AutoSchema):
    """drf-spectacular's, with the body of a DELETE that takes one, which it leaves out."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Any:
        """The operation. OpenAPI 3.1 permits the body, and HTTP leaves it to the server to say what it means."""
        generator: Any = super()
        operation = generator.get_operation(path, path_regex, path_prefix, method, registry)
        given = self.get_request_serializer() if operation and method == "DELETE" else None
        if isinstance(given, type) and issubclass(given, StrictSerializer):
            generator = self
            schema = generator.resolve_serializer(given, "request").ref
            operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
        return operation


class StrictInputExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]  # drf-spectacular
    """Unknown fields are refused."""

    target_class = StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        """The schema of the fields, and no others."""
        generator: Any = auto_schema
        schema: dict[str, Any] = generator._map_serializer(self.target, direction, bypass_extensions=True)
        least = getattr(self.target, "least_fields", 0)
        return {**schema, "additionalProperties": False, **({"minProperties": least} if least else {})}


class StrictTextExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # drf-spectacular
    """Texts that may not be blank say so."""

    target_class = StrictCharField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        """The schema of the text."""
        field: Any = self.target
        generator: Any = auto_schema
        schema: dict[str, Any] = generator._map_serializer_field(field, direction, bypass_extensions=True)
        # What may be null or blank besides is added by whoever calls extensions.
        schema["type"] = "string"
        if field.allow_blank:
            return schema
        schema["minLength"] = 1
        if isinstance(field, IdField):
            schema["pattern"] = ID_SCHEMA["pattern"]
        elif not any(isinstance(validator, RegexValidator) for validator in field.validators):
            schema["pattern"] = SOME_TEXT if field.trim_whitespace else ANY_TEXT
        return schema
