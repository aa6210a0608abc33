"""What is searched for, as it stands in the query."""

import re
from typing import Final

from django.http import QueryDict

from gateway_clients.edge.errors import BadUserInputError

MAX_LENGTH: Final = 100
RULE: Final = f"Must be given once, of at most {MAX_LENGTH} printable characters."

#: What nobody types into a search field: control characters.
CONTROL: Final = "\\u0000-\\u001f\\u007f-\\u009f"
IS_CONTROL: Final = re.compile(f"[{CONTROL}]")
PATTERN: Final = f"^[^{CONTROL}]*$"


def search_text_of(query: QueryDict) -> str | None:
    """`q` without spaces around it, or None when nothing is searched for. Raises BadUserInputError."""
    values = query.getlist("q")
    if len(values) > 1:
        raise BadUserInputError(errors={"q": [RULE]})
    return checked_search_text(values[0] if values else None)


def checked_search_text(given: str | None) -> str | None:
    """The text without spaces around it, or None when nothing is searched for. Raises BadUserInputError."""
    text = given or ""
    if len(text) > MAX_LENGTH or IS_CONTROL.search(text):
        raise BadUserInputError(errors={"q": [RULE]})
    return text.strip() or None
