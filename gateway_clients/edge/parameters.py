"""Readers of what stands in the query, each of which raises BadUserInputError naming the parameter."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.http import QueryDict

from gateway_clients.caching.keys import ID_PATTERN
from gateway_clients.edge.errors import BadUserInputError

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100
MAX_OFFSET: Final = 999_999_999
NUMBER: Final = re.compile(r"0*[0-9]{1,9}\Z")
IS_NO_ID: Final = "Must be an id: 1 to 64 letters, digits, _ or -."
DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list was asked for."""

    limit: int
    offset: int


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


def is_id(value: str) -> bool:
    """Whether it may be an id."""
    return ID_PATTERN.match(value) is not None


def checked_choice(value: str | None, name: str, choices: Collection[str]) -> str | None:
    """One of the choices, or None when it was not asked for."""
    if value is not None and value not in choices:
        raise _refused(name, f"Must be one of: {', '.join(choices)}.")
    return value


def choice_of(query: QueryDict, name: str, choices: Collection[str]) -> str | None:
    """One of the choices, or None when it was not asked for."""
    return checked_choice(_single(query, name), name, choices)


def names_of(query: QueryDict, name: str, choices: Collection[str]) -> tuple[str, ...] | None:
    """Names separated by commas, in the order of the choices, or None when they were not asked for."""
    value = _single(query, name)
    if value is None:
        return None
    asked = set(value.split(","))
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


def _number(query: QueryDict, name: str, default: int) -> int | None:
    value = _single(query, name)
    if value is None:
        return default
    return int(value) if NUMBER.match(value) else None


def _single(query: QueryDict, name: str) -> str | None:
    values = query.getlist(name)
    if len(values) > 1:
        raise _refused(name, "Must be given once.")
    return values[0] if values else None


def _refused(name: str, message: str) -> BadUserInputError:
    return BadUserInputError(errors={name: [message]})
