"""The sections of a view as they are cached within it."""

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from gateway_clients.caching.lookups import Entry, LookupResult
from gateway_clients.pipeline.outcome import SectionState
from gateway_clients.pipeline.section import Section

#: The JSON of a section that shows nothing.
NULL: Final = msgspec.Raw(b"null")


class KeptSection(msgspec.Struct, frozen=True, array_like=True):
    """A section within a cached view: its JSON, its age in seconds when the view was cached, and whose data it shows.

    `members` is None for data of the member whom the view is about.
    """

    name: str
    json: bytes
    age_seconds: float
    members: tuple[str, ...] | None


_KEPT_VIEW: Final = msgspec.msgpack.Decoder(tuple[KeptSection, ...])


def packed(sections: Mapping[str, Section[msgspec.Raw]]) -> Entry:
    """Returns the entry that holds the sections of a view."""
    kept = tuple(
        KeptSection(name, bytes(each.value or NULL), each.age_seconds, each.members) for name, each in sections.items()
    )
    return Entry(msgspec.Raw(msgspec.msgpack.encode(kept)))


def unpacked(entry: Entry, result: LookupResult, wanted: Collection[str]) -> dict[str, Section[msgspec.Raw]] | None:
    """Returns the wanted sections of an entry, as old as the lookup found it, in the order wanted.

    Returns None where one of them is missing. Raises `msgspec.MsgspecError` for what is no cached view.
    """
    kept = {each.name: each for each in _KEPT_VIEW.decode(entry.body)}
    if not all(name in kept for name in wanted):
        return None
    return {
        name: Section(
            msgspec.Raw(kept[name].json),
            SectionState.CACHED,
            result.age_seconds + kept[name].age_seconds,
            members=kept[name].members,
            is_near=result.is_near,
        )
        for name in wanted
    }
