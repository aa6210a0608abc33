"""Figures that other rooms put on the overview: each app says what is open and parked in its own tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import Error


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure. `tone` is good, fair or bad; `url` leads to more."""

    label: str
    value: str
    tone: str = "good"
    note: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that is wrong, whom it hurts, and what helps.

    `since` is in seconds since the Unix epoch, None where nobody knows.
    """

    tone: str
    title: str
    since: float | None = None
    whom: str = ""
    help: str = ""
    url: str = ""
    action: str = ""


Source = Callable[[], tuple[Sequence[Figure], Sequence[Trouble]]]
_SOURCES: Final[list[Source]] = []


def register(source: Source) -> Source:
    """Has the overview ask this source, in the order of the registrations."""
    if source not in _SOURCES:
        _SOURCES.append(source)
    return source


def gathered() -> tuple[list[Figure], list[Trouble]]:
    """Returns the figures of all sources; one whose database does not answer has none."""
    figures: list[Figure] = []
    troubles: list[Trouble] = []
    for source in _SOURCES:
        try:
            more, worse = source()
        except Error:
            continue
        figures += more
        troubles += worse
    return figures, troubles
