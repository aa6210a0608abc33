"""Arguments that several fields of the schema take, each with its description."""

from typing import Any

from graphene import Argument, Int, NonNull, String


def required_id(description: str) -> Argument:
    """An id that must be given."""
    return Argument(NonNull(String), description=description)


def optional_id(description: str) -> Argument:
    """An id that narrows what is shown."""
    return Argument(String, description=description)


def page_arguments(*, limit: int = 20) -> dict[str, Argument]:
    """Which part of a list is shown."""
    return {
        "limit": Argument(Int, default_value=limit, description="How many to return, from 1 to 100."),
        "offset": Argument(Int, default_value=0, description="How many to skip."),
    }


def limit_argument(*, limit: int = 20) -> dict[str, Any]:
    """The argument that says how many of the first items are shown."""
    return {"limit": page_arguments(limit=limit)["limit"]}


def search_argument(what: str) -> Argument:
    """A text to search for."""
    return Argument(String, description=f"Only {what} that match this text.")
