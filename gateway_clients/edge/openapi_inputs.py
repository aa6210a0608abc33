"""How the OpenAPI document tells of input: as strictly as it is checked."""

from typing import Any, Final

from django.core.validators import RegexValidator
from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction

from gateway_clients.edge.serializers import IdField, StrictCharField, StrictSerializer

#: Texts without NUL, and those that hold more than spaces.
ANY_TEXT: Final = "^[^\\u0000]*$"
SOME_TEXT: Final = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$"
ID: Final = "^[A-Za-z0-9_-]{1,64}$"


def require_bodies(result: dict[str, Any], **_given: Any) -> dict[str, Any]:
    """A hook of drf-spectacular: where there is a body it must be there, also when none of its fields must."""
    for path in result["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
    return result


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
            schema["pattern"] = ID
        elif not any(isinstance(validator, RegexValidator) for validator in field.validators):
            schema["pattern"] = SOME_TEXT if field.trim_whitespace else ANY_TEXT
        return schema
