"""The scalars of the schema that GraphQL has not got itself."""

import datetime
import re
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from graphene import Scalar
from graphql import GraphQLError, StringValueNode, ValueNode

from gateway_clients.edge.parameters import DATE

#: RFC 3339, 5.6: of the many ways that ISO 8601 has for a moment, the one that every portal's language writes.
MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})\Z"
)


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
        if DATE.match(text):
            return datetime.date.fromisoformat(text)
        if not MOMENT.match(text):
            return None
        return datetime.datetime.fromisoformat(text.upper()).astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)).date()
    except (ValueError, OverflowError):
        return None
