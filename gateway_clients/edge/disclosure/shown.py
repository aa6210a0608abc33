"""What one answer shows: whose data, in which sections, and where each section came from."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from gateway_clients.audit.members import members_in
from gateway_clients.edge.output.view_models import SectionMeta, ViewMeta, ViewModel
from gateway_clients.pipeline.outcome import Freshness, SectionState
from gateway_clients.pipeline.section import Section


class Origin(StrEnum):
    """Where what is shown came from."""

    UPSTREAM = "upstream"
    NEAR_CACHE = "near_cache"
    CACHE = "cache"
    STALE = "stale"
    DATABASE = "database"


#: Sections in any other state show nothing.
ORIGINS: Final[Mapping[str, Origin]] = {
    SectionState.FRESH: Origin.UPSTREAM,
    SectionState.CACHED: Origin.CACHE,
    SectionState.STALE: Origin.STALE,
}

FRESHEST_FIRST: Final = (Origin.UPSTREAM, Origin.STALE, Origin.CACHE, Origin.NEAR_CACHE)

#: Sections with their origins.
Parts = tuple[tuple[str, str], ...]


class Shown:
    """What an answer shows so far. What names nobody is about the subject: the member that was asked for."""

    __slots__ = ("_by_member", "_of_subject", "has_sections")

    def __init__(self) -> None:
        #: Whether sections were told, be it none.
        self.has_sections = False
        self._of_subject: list[tuple[str, str]] = []
        self._by_member: dict[str, list[tuple[str, str]]] = {}

    def add_sections(self, sections: Mapping[str, Section[Any]]) -> None:
        """The sections of a view."""
        self.has_sections = True
        for name, section in sections.items():
            origin = _origin(section.state, is_near=section.is_near)
            if origin is None:
                continue
            if section.members is None:
                self._of_subject.append((name, origin))
            for member_id in section.members or ():
                self.add(member_id, name, origin)

    def add_model(self, model: ViewModel, origin: str) -> None:
        """A view model that is an answer, and where it came from unless its `meta` says that."""
        meta = getattr(model, "meta", None)
        is_near = origin == Origin.NEAR_CACHE
        if isinstance(meta, ViewMeta):
            parts = parts_of(meta.sections, is_near=is_near)
        else:
            parts = ((_name_of(type(model)), origin),)
        members = members_in(model)
        self._of_subject += parts
        for member_id in members:
            for part in parts:
                self.add(member_id, *part)

    def add(self, member_id: str, section: str, origin: str) -> None:
        """One section about one member."""
        self._by_member.setdefault(member_id, []).append((section, origin))

    def add_of_subject(self, section: str, origin: str) -> None:
        """One section about the member that was asked for."""
        self._of_subject.append((section, origin))

    def by_member(self, subject: str | None) -> dict[str, Parts]:
        """Returns the parts shown of each member. With a subject all parts are the subject's."""
        if subject is None:
            return {member_id: tuple(dict.fromkeys(parts)) for member_id, parts in self._by_member.items()}
        parts = tuple(dict.fromkeys(self._of_subject)) or tuple(
            dict.fromkeys(part for parts in self._by_member.values() for part in parts)
        )
        return {subject: parts} if parts else {}


def origin_of(freshness: Iterable[Freshness]) -> str:
    """Where an answer came from for which these calls were made: the freshest of them; none: the database."""
    origins = {_origin(each.state, is_near=each.is_near) for each in freshness}
    return next((origin for origin in FRESHEST_FIRST if origin in origins), Origin.DATABASE)


@lru_cache(maxsize=1024)
def told(parts: Parts) -> tuple[str, str]:
    """The sections, and their origins: once where all have the same, as a row of the audit trail has them."""
    origins = [origin for _, origin in parts]
    return ",".join(name for name, _ in parts), origins[0] if len(set(origins)) == 1 else ",".join(origins)


def parts_of(sections: Mapping[str, SectionMeta], *, is_near: bool) -> Parts:
    """The sections that show something. `is_near`: what is cached came from this process's own memory."""
    found = ((name, _origin(each.state, is_near=is_near)) for name, each in sections.items())
    return tuple((name, origin) for name, origin in found if origin is not None)


def _origin(state: str, *, is_near: bool) -> Origin | None:
    origin = ORIGINS.get(state)
    return Origin.NEAR_CACHE if is_near and origin is Origin.CACHE else origin


@lru_cache(maxsize=256)
def _name_of(model: type) -> str:
    """`ClaimDetail` as a section: `claim_detail`."""
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in model.__name__).lstrip("_")
