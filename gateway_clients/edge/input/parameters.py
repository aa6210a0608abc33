"""Readers of what stands in the query, each of which raises BadUserInputError naming the parameter.

An action declares its parameters beside what it shows (`openapi.shows`); a query may hold no others.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.http import QueryDict

from gateway_clients.edge.errors import BadUserInputError
from gateway_clients.edge.input.ids import IS_NO_ID, is_id

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100
MAX_OFFSET: Final = 999_999_999
MOST_DIGITS: Final = 9
#: Python refuses to read a text of thousands of digits, though all but the last nine are zeros.
NUMBER: Final = re.compile(rf"0*[0-9]{{1,{MOST_DIGITS}}}\Z")
DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
FLAGS: Final = {"true": True, "false": False}
#: Where an action keeps the names that its query may hold.
ATTRIBUTE: Final = "query_names"
NO_NAMES: Final[frozenset[str]] = frozenset()
#: How many unknown names a refusal tells, and how much of each.
MOST_TOLD: Final = 20
TOLD_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list was asked for."""

    limit: int
    offset: int


def declare_names(action: Callable[..., Any], names: Collection[str]) -> None:
    """Says which parameters the query of an action may hold."""
    setattr(action, ATTRIBUTE, frozenset(names))


def declared_names(action: object) -> frozenset[str]:
    """The parameters that the query of an action may hold; none where it does not say."""
    names: frozenset[str] = getattr(action, ATTRIBUTE, NO_NAMES)
    return names


def check_names(query: QueryDict, known: Collection[str]) -> None:
    """Refuses parameters that are not known, instead of answering as if they had not been asked for."""
    unknown = [name for name in query if name not in known]
    if unknown:
        raise BadUserInputError(
            errors={name[:TOLD_LENGTH]: ["Unknown query parameter."] for name in unknown[:MOST_TOLD]}
        )


def page_of(query: QueryDict) -> Page:
    """`limit` (1–100, default 20) and `offset` (from 0)."""
    return checked_page(_number(query, "limit", DEFAULT_LIMIT), _number(query, "offset", 0))


def checked_page(limit: int | None, offset: int | None = 0) -> Page:
    """The page with these bounds; None is no number."""
    errors: dict[str, list[str]] = {}
    if limit is None or not 1 <= limit <= MAX_LIMIT:
        errors["limit"] = [f"Must be a number from 1 to {MAX_LIMIT}."]
    if offset is None or not 0 <= offset <= MAX_OFFSET:
        errors["offset"] = [f"Must be a number from 0 to {MAX_OFFSET}."]
    if errors or limit is None or offset is None:
        raise BadUserInputError(errors=errors)
    return Page(limit=limit, offset=offset)


def checked_choice(value: str | None, name: str, choices: Collection[str]) -> str | None:
    """One of the choices, or None when it was not asked for."""
    if value is not None and value not in choices:
        raise _refused(name, f"Must be one of: {', '.join(choices)}.")
    return value


def choice_of(query: QueryDict, name: str, choices: Collection[str]) -> str | None:
    """One of the choices, or None when it was not asked for."""
    return checked_choice(_single(query, name), name, choices)


def names_of(query: QueryDict, name: str, choices: Collection[str]) -> tuple[str, ...] | None:
    """Names in the order of the choices, or None when they were not asked for.

    They are separated by commas, or the parameter is repeated, or both.
    """
    values = query.getlist(name)
    if not values:
        return None
    asked = set(",".join(values).split(","))
    if not asked <= set(choices):
        raise _refused(name, f"Must be of: {', '.join(choices)}; separated by commas.")
    return tuple(choice for choice in choices if choice in asked)


def id_of(query: QueryDict, name: str) -> str | None:
    """An id, or None when there is none."""
    value = _single(query, name)
    if value is not None and not is_id(value):
        raise _refused(name, IS_NO_ID)
    return value


def required_id_of(query: QueryDict, name: str) -> str:
    """An id that must be there."""
    value = id_of(query, name)
    if value is None:
        raise _refused(name, "This parameter is required.")
    return value


def date_of(query: QueryDict, name: str) -> date | None:
    """A calendar date, or None when there is none."""
    value = _single(query, name)
    if value is None:
        return None
    try:
        return date.fromisoformat(value if DATE.match(value) else "")
    except ValueError:
        raise _refused(name, "Must be a date: YYYY-MM-DD.") from None


def flag_of(query: QueryDict, name: str) -> bool | None:
    """`true` or `false`, or None when there is none."""
    value = _single(query, name)
    if value is None:
        return None
    if value not in FLAGS:
        raise _refused(name, "Must be true or false.")
    return FLAGS[value]


def _number(query: QueryDict, name: str, default: int) -> int | None:
    value = _single(query, name)
    if value is None:
        return default
    return int(value[-MOST_DIGITS:]) if NUMBER.match(value) else None


def _single(query: QueryDict, name: str) -> str | None:
    values = query.getlist(name)
    if len(values) > 1:
        raise _refused(name, "Must be given once.")
    return values[0] if values else None


def _refused(name: str, message: str) -> BadUserInputError:
    return BadUserInputError(errors={name: [message]})
