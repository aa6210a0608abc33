"""The base of what checks input: unknown fields are refused, and a text is a text."""

import datetime
from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers

from gateway_clients.edge.input.ids import IS_NO_ID, is_id
from gateway_clients.edge.input.parameters import DATE


class StrictCharField(serializers.CharField):
    """A text; numbers and booleans are not taken for one."""

    def to_internal_value(self, data: Any) -> str:
        """As it stands. Fails for anything but a text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class IdField(StrictCharField):
    """An id: 1 to 64 letters, digits, `_` or `-`."""

    default_error_messages: ClassVar[dict[str, Any]] = {"id": IS_NO_ID}

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, max_length=64, **options)

    def to_internal_value(self, data: Any) -> str:
        """As it stands. Fails for what is no id."""
        value = super().to_internal_value(data)
        if not is_id(value):
            self.fail("id")
        return value


class WholeNumberField(serializers.IntegerField):
    """A whole number; texts and booleans are not taken for one, `5.0` is."""

    def to_internal_value(self, data: Any) -> int:
        """The number. Fails for anything else."""
        if isinstance(data, bool) or not isinstance(data, int | float) or data != int(data):
            self.fail("invalid")
        return int(data)


class CalendarDateField(serializers.DateField):
    """A calendar date, `YYYY-MM-DD`."""

    def to_internal_value(self, value: Any) -> datetime.date:
        """The date. Fails for anything else, also for one with a time."""
        if not isinstance(value, str) or not DATE.match(value):
            self.fail("invalid", format="YYYY-MM-DD")
        date: datetime.date = super().to_internal_value(value)
        return date


class BoundedListField(serializers.ListField):
    """A list that is counted before any of it is looked at."""

    def to_internal_value(self, data: Any) -> list[Any]:
        """The checked items. Fails for a list that is too short or too long."""
        if isinstance(data, list):
            if self.max_length is not None and len(data) > self.max_length:
                self.fail("max_length", max_length=self.max_length)
            if self.min_length is not None and len(data) < self.min_length:
                self.fail("min_length", min_length=self.min_length)
        items: list[Any] = super().to_internal_value(data)
        return items


class StrictSerializer(serializers.Serializer[Any]):
    """Input whose fields are all known, and which has `least_fields` of them."""

    least_fields: ClassVar[int] = 0

    def to_internal_value(self, data: Any) -> Any:
        """The checked values. Raises ValidationError naming each field that breaks a rule, unknown ones too."""
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, Mapping) else []
        if not unknown:
            return super().to_internal_value(data)
        errors: dict[str, Any] = {str(name): ["Unknown field."] for name in unknown[:20]}
        try:
            super().to_internal_value(data)
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                errors = {**error.detail, **errors}
        raise serializers.ValidationError(errors)
