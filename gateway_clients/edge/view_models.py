"""The base of what a portal sees. Written once: REST answers, the OpenAPI schema and GraphQL types come from it."""

from collections.abc import Mapping
from typing import Any, dataclass_transform

import msgspec

from gateway_clients.pipeline.section import Section, SectionState


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class ViewModel(msgspec.Struct, frozen=True, kw_only=True):
    """What a portal sees: fields with types, in the order they are sent, described by docstring and `msgspec.Meta`."""


class SectionMeta(ViewModel, omit_defaults=True):
    """How one section came about.

    `age` is whole seconds since its upstream was asked. `error` says why the section is
    stale, a fallback or unavailable. `omitted` counts the items that could not be read and
    were left out. `drifted` names the fields that could not be read and are null for that
    reason.
    """

    state: SectionState
    age: int
    error: str | None = None
    omitted: int = 0
    drifted: tuple[str, ...] = ()


class ViewMeta(ViewModel):
    """Which parts of an answer are complete.

    `complete` is true when no section is stale, fallback, unavailable, drifted or short of
    items.
    """

    complete: bool
    sections: dict[str, SectionMeta]


def meta_of(sections: Mapping[str, Section[Any]]) -> ViewMeta:
    """The `meta` of an answer made of these sections."""
    return ViewMeta(
        complete=all(section.is_whole for section in sections.values()),
        sections={
            name: SectionMeta(
                state=section.state,
                age=int(section.age_seconds),
                error=section.error,
                omitted=section.omitted,
                drifted=section.drifted,
            )
            for name, section in sections.items()
        },
    )
