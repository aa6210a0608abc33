"""What a view is made of, told as values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_type_hints

import msgspec

from gateway_clients.caching.keys import Subject
from gateway_clients.caching.shapes import shape_of
from gateway_clients.conf import DataClass
from gateway_clients.pipeline.call import Call

if TYPE_CHECKING:
    from gateway_clients.gateway.client import Gateway

P = TypeVar("P")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionSpec(Generic[P, V]):
    """One part of a view. `call` takes the gateway and the subject's id.

    `decides_existence`: its 404 is the view's 404.
    """

    name: str
    service: str
    call: Callable[["Gateway", str], Call[P]]
    transform: Callable[[P], V]
    fallback: Callable[[str], V] | None = None
    decides_existence: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSpec:
    """A view made of sections, registered by its name; kept whole under `data_class` when complete."""

    name: str
    data_class: DataClass
    subject: Callable[[str], Subject]
    sections: tuple[SectionSpec[Any, Any], ...]
    shape: str = field(init=False)

    def __post_init__(self) -> None:
        """Notes the shape of what its sections show: of the types that their transformers say they return."""
        kinds = (get_type_hints(section.transform).get("return", Any) for section in self.sections)
        object.__setattr__(self, "shape", shape_of(*kinds))

    @property
    def section_names(self) -> tuple[str, ...]:
        """The names a portal may ask for, in the order they are shown."""
        return tuple(section.name for section in self.sections)


class UnrenderableError(Exception):
    """A section's value cannot be shown as it was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """How sections are wanted where not as they are; what comes of it is kept. Equal names are equal renditions.

    `render`: a section's name and JSON → the JSON that is wanted. Raises UnrenderableError.
    """

    name: str
    render: Callable[[str, msgspec.Raw], msgspec.Raw]
