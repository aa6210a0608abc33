"""Views made of sections: the model of one, and a section that has an address of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self, get_type_hints

import msgspec

from gateway_clients.caching.keys import Subject
from gateway_clients.conf import DataClass
from gateway_clients.edge.output.view_models import ViewMeta, ViewModel
from gateway_clients.edge.specs.reads import ReadSpec
from gateway_clients.gateway import CompositeView, Gateway, SectionSpec, ViewSpec


@dataclass(frozen=True, kw_only=True)
class SectionPage(ReadSpec):
    """A section of a view under an address of its own. `page_doc` is what portals read of the model it makes."""

    section: SectionSpec[Any, Any]
    data_class: DataClass
    subject: Callable[[str], Subject]
    page_doc: str
    view: ViewSpec = field(init=False)
    page_model: type[Any] = field(init=False)

    def __post_init__(self) -> None:
        """Makes the view and its model."""
        kind = self.subject.__name__
        view = ViewSpec(
            name=f"{kind}_{self.name}", data_class=self.data_class, subject=self.subject, sections=(self.section,)
        )
        shown = _shown(self.section)
        object.__setattr__(self, "view", view)
        made = _model(
            f"{shown.__name__}View", self.page_doc, [(self.section.name, shown | None), ("meta", ViewMeta)], shown
        )
        object.__setattr__(self, "page_model", made)

    @classmethod
    def of(cls, section: SectionSpec[Any, Any], **told: Any) -> Self:
        """That of a section, which has the name, the upstream and what drops it."""
        return cls(section=section, name=section.name, service=section.service, dropped_by=section.dropped_by, **told)

    def found(self, gateway: Gateway, subject_id: str) -> CompositeView:
        """The view, whose call is sent with those that are added beside it."""
        return gateway.view(self.view, subject_id)


def sections_model(name: str, doc: str, *sections: SectionSpec[Any, Any], module: str) -> Any:
    """The model of a view made of these sections: each may be null, unless it has a fallback, or be absent."""
    fields = []
    for section in sections:
        shown = _shown(section) | msgspec.UnsetType
        fields.append((section.name, shown if section.fallback else shown | None, msgspec.UNSET))
    return msgspec.defstruct(
        name,
        [*fields, ("meta", ViewMeta)],
        bases=(ViewModel,),
        module=module,
        namespace={"__doc__": doc},
        frozen=True,
        kw_only=True,
    )


def _shown(section: SectionSpec[Any, Any]) -> Any:
    """Returns the type that a section's transformer returns."""
    return get_type_hints(section.transform, include_extras=True)["return"]


def _model(name: str, doc: str, fields: list[Any], like: type) -> Any:
    namespace = {"__doc__": doc}
    return msgspec.defstruct(
        name, fields, bases=(ViewModel,), module=like.__module__, namespace=namespace, frozen=True, kw_only=True
    )
