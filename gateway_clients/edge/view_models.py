"""The base of what a portal sees. Written once: REST answers, the OpenAPI schema and GraphQL types come from it."""

from collections.abc import Mapping
from typing import Any, Final, dataclass_transform

import msgspec

from gateway_clients.fan_out.sections import Section, SectionState

COMPLETE: Final = frozenset(state for state in SectionState if state.is_complete)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class ViewModel(msgspec.Struct, frozen=True, kw_only=True):
    """What a portal sees: fields with types, in the order they are sent, described by docstring and `msgspec.Meta`."""


class SectionMeta(ViewModel, omit_defaults=True):
    """How one section came about. `age` is whole seconds since its upstream was asked."""

    state: SectionState
    age: int
    error: str | None = None
    omitted: int = 0


class ViewMeta(ViewModel):
    """Which parts of an answer are complete. `complete`: none is stale, fallback or unavailable."""

    complete: bool
    sections: dict[str, SectionMeta]


def meta_of(sections: Mapping[str, Section[Any]]) -> ViewMeta:
    """The `meta` of an answer made of these sections."""
    return ViewMeta(
        complete=COMPLETE.issuperset([section.state for section in sections.values()]),
        sections={
            name: SectionMeta(
                state=section.state, age=int(section.age_seconds), error=section.error, omitted=section.omitted
            )
            for name, section in sections.items()
        },
    )
