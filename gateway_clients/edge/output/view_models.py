"""The base of what a portal sees. Written once: REST answers, the OpenAPI schema and GraphQL types come from it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, dataclass_transform

import msgspec
from django.utils.timezone import now

from gateway_clients.errors import ErrorCode
from gateway_clients.pipeline.outcome import SectionState
from gateway_clients.pipeline.section import Section

#: How many items a list within a view holds.
NEWEST: Final = 5
#: What every page says beside its items.
Total = Annotated[int | None, msgspec.Meta(description="How many there are; null when the service did not say.")]
Limit = Annotated[int, msgspec.Meta(description="How many were asked for.")]
Offset = Annotated[int, msgspec.Meta(description="How many were skipped.")]
HasMore = Annotated[bool, msgspec.Meta(description="Whether there are more after this page.")]

#: States of sections that show nothing an upstream was asked for.
NOTHING: Final = frozenset({SectionState.FALLBACK, SectionState.UNAVAILABLE})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class ViewModel(msgspec.Struct, frozen=True, kw_only=True):
    """What a portal sees: fields with types, in the order they are sent, described by docstring and `msgspec.Meta`."""


class SectionMeta(ViewModel, omit_defaults=True):
    """How one section of an answer came about."""

    state: SectionState
    age: Annotated[int, msgspec.Meta(description="How many seconds ago the service was asked.")]
    error: Annotated[
        ErrorCode | None, msgspec.Meta(description="Why the section is stale, a fallback or unavailable.")
    ] = None
    omitted: Annotated[
        int, msgspec.Meta(description="How many items were left out because they could not be read.")
    ] = 0
    drifted: Annotated[
        tuple[str, ...], msgspec.Meta(description="The fields that could not be read and are null for that reason.")
    ] = ()


class ViewMeta(ViewModel):
    """How complete and how fresh an answer is."""

    complete: Annotated[
        bool,
        msgspec.Meta(description="True when no section is stale, fallback, unavailable, drifted or short of items."),
    ]
    as_of: (
        Annotated[
            datetime,
            msgspec.Meta(
                tz=True,
                description="The oldest moment at which anything that is shown was asked for; null when nothing is.",
                examples=["2026-03-01T08:30:00Z"],
            ),
        ]
        | None
    )
    sections: Annotated[dict[str, SectionMeta], msgspec.Meta(description="The state of each section.")]


def meta_of(sections: Mapping[str, Section[Any]]) -> ViewMeta:
    """The `meta` of an answer made of these sections."""
    return ViewMeta(
        complete=all(section.is_whole for section in sections.values()),
        as_of=_as_of(sections.values()),
        sections={
            name: SectionMeta(
                state=section.state,
                age=int(section.age_seconds),
                error=None if section.error is None else ErrorCode(section.error),
                omitted=section.omitted,
                drifted=section.drifted,
            )
            for name, section in sections.items()
        },
    )


def _as_of(sections: Iterable[Section[Any]]) -> datetime | None:
    """The oldest moment at which anything shown was asked for, in whole seconds."""
    ages = [section.age_seconds for section in sections if section.state not in NOTHING]
    return (now() - timedelta(seconds=max(ages))).replace(microsecond=0) if ages else None
