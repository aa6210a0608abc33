"""Views and their sections as values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, get_type_hints

import msgspec

from gateway_clients.caching.keys import Subject
from gateway_clients.caching.shapes import shape_of
from gateway_clients.conf import DataClass
from gateway_clients.gateway.kept_sections import KeptSection
from gateway_clients.invalidation.rules import Changed
from gateway_clients.pipeline.call import Call
from gateway_clients.services import Services

P = TypeVar("P")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionSpec(Generic[P, V]):
    """One part of a view. `call` takes the typed clients and the subject's id.

    `decides_existence`: its 404 is the view's 404. `dropped_by`: the changes after which it is no longer true.
    """

    name: str
    service: str
    call: Callable[[Services, str], Call[P]]
    transform: Callable[[P], V]
    fallback: Callable[[str], V] | None = None
    decides_existence: bool = False
    dropped_by: tuple[Changed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSpec:
    """A view made of sections, registered by its name; kept whole under `data_class` when complete."""

    name: str
    data_class: DataClass
    subject: Callable[[str], Subject]
    sections: tuple[SectionSpec[Any, Any], ...]
    shape: str = field(init=False)
    is_about_a_member: bool = field(init=False)

    def __post_init__(self) -> None:
        """Computes the shape of what its sections show from the return types of their transformers."""
        kinds = (get_type_hints(section.transform).get("return", Any) for section in self.sections)
        object.__setattr__(self, "shape", shape_of(KeptSection, *kinds))
        object.__setattr__(self, "is_about_a_member", self.subject("any").kind == "member")

    @property
    def section_names(self) -> tuple[str, ...]:
        """The names a portal may ask for, in the order they are shown."""
        return tuple(section.name for section in self.sections)


class UnrenderableError(Exception):
    """A section's value cannot be shown as it was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """Another form in which sections are shown and cached. Equal names are equal renditions.

    `render`: the subject's id, a section's name and its JSON → the JSON that is wanted. Raises UnrenderableError.
    """

    name: str
    render: Callable[[str, str, msgspec.Raw], msgspec.Raw]
