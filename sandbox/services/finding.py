"""Finds rows by id, or refuses."""

from collections.abc import Mapping
from typing import TypeVar

from sandbox.messages import ProblemError

T = TypeVar("T")


def found(rows: Mapping[str, T], row_id: str, what: str, *, status: int = 404) -> T:
    """The row of that id. Raises ProblemError with `status` when there is none."""
    row = rows.get(row_id)
    if row is None:
        raise ProblemError(status, f"there is no such {what}")
    return row
