"""One part of a view, and how it came about."""

from typing import Generic, TypeVar

import msgspec

from gateway_clients.upstream.outcome import SectionState

V = TypeVar("V")


class Section(msgspec.Struct, Generic[V], frozen=True):
    """One part of a view: its value (None where there is none), state, age in seconds, error code, unreadable items."""

    value: V | None
    state: SectionState
    age_seconds: float = 0.0
    error: str | None = None
    omitted: int = 0


__all__ = ["Section", "SectionState"]
