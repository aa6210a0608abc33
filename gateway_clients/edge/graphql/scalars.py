"""The scalars of the schema beyond those of GraphQL itself."""

import datetime
import re
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from graphene import Scalar
from graphql import FloatValueNode, GraphQLError, IntValueNode, StringValueNode, ValueNode

from gateway_clients.edge.input.parameters import DATE

RFC_3339: Final = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6"
#: RFC 3339, 5.6: of the many ways that ISO 8601 has for a moment, the one that every portal's language writes.
MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})\Z"
)


class _Known(Scalar):
    """A scalar whose values stand in view models as JSON has them."""

    class Meta:
        abstract = True

    @staticmethod
    def serialize(value: Any) -> Any:  # type: ignore[override]  # graphene's own is a placeholder, None
        """The value as it is; a date or a moment that a resolver returned becomes text."""
        return value.isoformat() if isinstance(value, datetime.date) else value


class Date(_Known):
    """A calendar day such as `2026-03-01`. As input, a date-time with an offset (`2026-03-01T08:30:00Z`) is accepted
    too and stands for that day in the insurer's time zone."""

    class Meta:
        specified_by_url = RFC_3339

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
        return cls.parse_value(_text_of(node))


class DateTime(_Known):
    """A moment as RFC 3339 writes it, with its offset from UTC: `2026-03-01T08:30:00Z`."""

    class Meta:
        specified_by_url = RFC_3339

    @staticmethod
    def parse_value(value: Any) -> datetime.datetime:  # type: ignore[override]  # graphene's own is a placeholder, None
        """The moment. Raises GraphQLError for anything but a date-time with its offset."""
        moment = _moment_of(value) if isinstance(value, str) and value.isascii() else None
        if moment is None:
            raise GraphQLError("Must be a date-time with its offset, such as 2026-03-01T08:30:00Z.")
        return moment

    @classmethod
    def parse_literal(cls, node: ValueNode, _variables: Any = None) -> datetime.datetime:  # type: ignore[override]  # graphene's own is a placeholder, None
        """The moment. Raises GraphQLError for anything but a date-time with its offset."""
        return cls.parse_value(_text_of(node))


class Rupiah(_Known):
    """An amount of money in whole Indonesian rupiah, as a JSON number. Amounts may exceed the range of `Int`."""

    class Meta:
        specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259#section-6"

    @staticmethod
    def parse_value(value: Any) -> int | float:  # type: ignore[override]  # graphene's own is a placeholder, None
        """The amount. A fraction passes: the check of the input that it belongs to
        refuses it and names the field.

        Raises GraphQLError for anything but a number.
        """
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise GraphQLError("Must be a whole number of rupiah.")
        return int(value) if isinstance(value, float) and value.is_integer() else value

    @classmethod
    def parse_literal(cls, node: ValueNode, _variables: Any = None) -> int | float:  # type: ignore[override]  # graphene's own is a placeholder, None
        """The amount. Raises GraphQLError for anything but a number."""
        if isinstance(node, IntValueNode) and len(node.value) < _MOST_DIGITS:
            return int(node.value)
        return cls.parse_value(float(node.value) if isinstance(node, IntValueNode | FloatValueNode) else None)


#: Python reads longer whole numbers in quadratic time; as a fraction such a number is too large for any amount.
_MOST_DIGITS: Final = 20


def _text_of(node: ValueNode) -> str | None:
    return node.value if isinstance(node, StringValueNode) else None


def _day_of(text: str) -> datetime.date | None:
    try:
        if DATE.match(text):
            return datetime.date.fromisoformat(text)
        moment = _moment_of(text)
        return None if moment is None else moment.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)).date()
    except (ValueError, OverflowError):
        return None


def _moment_of(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(text.upper()) if MOMENT.match(text) else None
    except ValueError:
        return None
