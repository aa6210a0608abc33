"""The target of a request as the portal wrote it, of which Django sees the decoded path alone."""

import re
from collections.abc import Mapping
from typing import Any, Final

#: Where servers put it: gunicorn, and uWSGI as CGI has it. granian has no place for it; the shipped nginx looks itself.
NAMES: Final = ("RAW_URI", "REQUEST_URI")
#: A slash within a segment of the path, which decoded would end it.
ENCODED_SLASH: Final = re.compile(r"[^?#]*%2f", re.IGNORECASE)


def has_encoded_slash(environment: Mapping[str, Any]) -> bool:
    """Whether a segment of the path holds a slash, so that it would be taken for two: there is no such address."""
    for name in NAMES:
        target = environment.get(name)
        if target is not None:
            return ENCODED_SLASH.match(target) is not None
    return False
