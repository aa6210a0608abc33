"""One part of a view, with its state."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec

from gateway_clients.pipeline.outcome import Outcome, SectionState

V = TypeVar("V")


class Section(msgspec.Struct, Generic[V], frozen=True):
    """One part of a view: its value (None where there is none), state, age in seconds, error code, unreadable items.

    `drifted` names the fields that could not be read, as the upstream calls them. `members`: whose data it shows; None:
    that of the member who was asked for, if one was. `is_near`: it came from this process's own memory.
    """

    value: V | None
    state: SectionState
    age_seconds: float = 0.0
    error: str | None = None
    omitted: int = 0
    drifted: tuple[str, ...] = ()
    members: tuple[str, ...] | None = None
    is_near: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it shows all that the upstream has, no older than its data class allows."""
        return self.state.is_complete and not self.omitted and not self.drifted


def section_of(outcome: Outcome[Any], value: V | None) -> Section[V]:
    """Returns a section that shows `value`, which was made of the outcome."""
    return Section(
        value,
        outcome.state,
        outcome.age_seconds,
        error=outcome.error,
        omitted=outcome.omitted,
        drifted=drifted_fields(outcome.drifted) if outcome.drifted else (),
        is_near=outcome.is_near,
    )


def drifted_fields(paths: Sequence[str]) -> tuple[str, ...]:
    """Returns the fields at these paths without their list: `plan.name` for `items[].plan.name`."""
    return tuple(dict.fromkeys(path.removeprefix("items[].").removesuffix("[]") for path in paths))
