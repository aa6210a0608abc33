"""Validates GraphQL input with the serializers of REST."""

import datetime
import math
from collections.abc import Mapping
from typing import Any

from rest_framework.serializers import BaseSerializer

from gateway_clients.edge.errors import BadUserInputError


def checked_input(serializer_class: type[BaseSerializer[Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """The validated values. Raises ValidationError, which names the fields, and
    BadUserInputError for an infinite number.
    """
    serializer = serializer_class(data=_as_sent(given))
    serializer.is_valid(raise_exception=True)
    checked: dict[str, Any] = serializer.validated_data
    return checked


def _as_sent(value: Any) -> Any:
    """The input as a REST body would have it: dates as text, nulls left out."""
    if isinstance(value, Mapping):
        return {name: _as_sent(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_as_sent(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise BadUserInputError("A number is too large")
    return value.isoformat() if isinstance(value, datetime.date) else value
