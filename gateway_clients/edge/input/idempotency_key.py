"""The rule of the portals' `Idempotency-Key`."""

import re
from typing import Any, Final

from gateway_clients.edge.errors import BadUserInputError

HEADER: Final = "Idempotency-Key"
MAX_LENGTH: Final = 255
#: Visible ASCII characters.
VISIBLE: Final = "[!-~]"
KEY: Final = re.compile(rf"{VISIBLE}{{1,{MAX_LENGTH}}}\Z")
#: The rule as JSON Schema has it.
KEY_SCHEMA: Final[dict[str, Any]] = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_LENGTH,
    "pattern": f"^{VISIBLE}+$",
}


def checked_key(key: str | None, *, name: str = HEADER) -> str | None:
    """The key that the portal sent under this name, or None. Raises BadUserInputError for one that breaks the rule."""
    if key is not None and not KEY.match(key):
        raise BadUserInputError(errors={name: [f"Must be 1 to {MAX_LENGTH} visible ASCII characters."]})
    return key
