"""The rule of ids, as it is told and checked: in addresses, queries, bodies and the OpenAPI document."""

from typing import Any, Final

from gateway_clients.caching.keys import ID_LETTERS, ID_PATTERN, ID_RULE

IS_NO_ID: Final = f"Must be an id: {ID_LETTERS}."
#: The rule as JSON Schema has it.
ID_SCHEMA: Final[dict[str, Any]] = {"type": "string", "pattern": f"^{ID_RULE}$", "maxLength": 64}


def is_id(value: str) -> bool:
    """Whether it may be an id."""
    return ID_PATTERN.match(value) is not None
