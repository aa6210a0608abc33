"""Parameters that narrow a list: told once, read from the query of REST and the arguments of GraphQL alike."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Final


class FilterKind(Enum):
    """What a filter takes. REST, OpenAPI and GraphQL have a row for each in tables of their own."""

    ID = auto()
    CHOICE = auto()
    DATE = auto()
    SEARCH = auto()


@dataclass(frozen=True, slots=True)
class Filter:
    """One parameter. `description` is what portals read; `choices` are the values of `enum` that may be chosen."""

    name: str
    kind: FilterKind
    description: str
    choices: Collection[str] = ()
    enum: type[StrEnum] | None = None


def id_filter(name: str, description: str) -> Filter:
    """Returns a filter that takes an id."""
    return Filter(name, FilterKind.ID, description)


def choice_filter(name: str, description: str, choices: Collection[str], enum: type[StrEnum]) -> Filter:
    """Takes one of these values of an enumeration."""
    return Filter(name, FilterKind.CHOICE, description, choices, enum)


def date_filter(name: str, description: str) -> Filter:
    """Takes a calendar date."""
    return Filter(name, FilterKind.DATE, description)


#: Takes words to search for.
SEARCH: Final = Filter("q", FilterKind.SEARCH, "What to search for.")
