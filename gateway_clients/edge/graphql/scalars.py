"""The scalars of the schema that GraphQL has not got itself."""

import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from graphene import Scalar
from graphql import GraphQLError, StringValueNode, ValueNode


class Date(Scalar):
    """A date, `2026-03-01`, or a date-time with its offset, `2026-03-01T08:30:00Z`, which as input is a day in the
    insurer's time zone."""

    @staticmethod
    def serialize(value: Any) -> Any:  # type: ignore[override]  # graphene's own is a placeholder, None
        """View models hold it as text already."""
        return value

    @staticmethod
    def parse_value(value: Any) -> datetime.date:  # type: ignore[override]  # graphene's own is a placeholder, None
        """The day. Raises GraphQLError for anything but a date or a date-time."""
        day = _day_of(value) if isinstance(value, str) and value.isascii() else None
        if day is None:
            raise GraphQLError("Must be a date, YYYY-MM-DD, or a date-time with its offset.")
        return day

    @classmethod
    def parse_literal(cls, node: ValueNode, _variables: Any = None) -> datetime.date:  # type: ignore[override]  # graphene's own is a placeholder, None
        """The day. Raises GraphQLError for anything but a date or a date-time."""
        return cls.parse_value(node.value if isinstance(node, StringValueNode) else None)


def _day_of(text: str) -> datetime.date | None:
    try:
        if len(text) == len("YYYY-MM-DD"):
            return datetime.date.fromisoformat(text)
        moment = datetime.datetime.fromisoformat(text)
        return moment.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)).date() if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
