"""One part of a view, and how it came about."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway_clients.upstream.outcome import SectionState

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Section(Generic[V]):
    """One part of a view: its value (None where there is none), state, age in seconds, error code, unreadable items."""

    value: V | None
    state: SectionState
    age_seconds: float = 0.0
    error: str | None = None
    omitted: int = 0


__all__ = ["Section", "SectionState"]
