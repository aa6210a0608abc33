"""A check of schemathesis' own kind: whatever is asked for, a member is told of nobody but themselves."""

import os
from typing import Any

import schemathesis
import signed_in_by_token  # noqa: F401  its hook holds for these runs, too

OWN_ID = os.environ["OWN_MEMBER_ID"]


@schemathesis.check
def nobody_elses_data(_context: Any, response: Any, _case: Any) -> None:
    """Fails for an answer in which somebody else's `member_id` stands."""
    if not response.content or "json" not in response.headers.get("content-type", [""])[0]:
        return
    found = {each for each in _member_ids(response.json()) if isinstance(each, str)}
    assert found <= {OWN_ID}, f"the answer tells of {sorted(found - {OWN_ID})}"


def _member_ids(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value[name] for name in ("member_id",) if name in value] + [
            each for child in value.values() for each in _member_ids(child)
        ]
    return [each for child in value for each in _member_ids(child)] if isinstance(value, list) else []
