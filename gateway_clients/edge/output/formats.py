"""Amounts, moments and enumerations in the form in which portals see them."""

import datetime
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, TypeVar

from msgspec import Meta

from gateway_clients.runtime.languages import Language, current_language

E = TypeVar("E", bound=StrEnum)

#: `extra` makes it GraphQL's scalar of that name.
Rupiah = Annotated[
    int,
    Meta(
        description="In whole rupiah.",
        examples=[500000],
        extra_json_schema={"format": "int64"},
        extra={"scalar": "Rupiah"},
    ),
]
FormattedRupiah = Annotated[str, Meta(description="The amount as text.", examples=["Rp 500,000"])]
Moment = Annotated[
    datetime.datetime, Meta(tz=True, description="A moment, with its offset.", examples=["2026-03-01T08:30:00Z"])
]


def known(value: str, kind: type[E]) -> E:
    """The value as a member of its enumeration, `unknown` when it is a new one."""
    members: Mapping[str, E] = _members_of(kind)
    return members.get(value) or members["unknown"]


@cache
def _members_of(kind: type[StrEnum]) -> Mapping[str, Any]:
    """An enumeration's members by their values. (Looking one up by its value in the enumeration takes longer.)"""
    return {member.value: member for member in kind}


def format_rupiah(amount: int) -> str:
    """`Rp 500,000`, or `Rp 500.000` where the request's language is Indonesian."""
    text = f"Rp {amount:,}"
    return text if current_language.get() is Language.ENGLISH else text.replace(",", ".")
