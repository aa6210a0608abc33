"""Routes as staff read them: `/members/{member_id}/dashboard` for `/api/v1/members/<id:member_id>/dashboard`."""

import re
from typing import Final

PARAMETER: Final = re.compile(r"<(?:\w+:)?(\w+)>")


def route_text(route: str) -> str:
    """The route without the API's prefix, its parameters in braces."""
    return PARAMETER.sub(r"{\1}", route.removeprefix("/api/v1"))
