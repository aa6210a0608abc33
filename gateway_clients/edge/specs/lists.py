"""Lists of one upstream, page by page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from gateway_clients.edge.access.resources import EVERYTHING, Scope
from gateway_clients.edge.input.parameters import Page
from gateway_clients.edge.output.sections import has_more, required_section
from gateway_clients.edge.output.view_models import NEWEST, HasMore, Limit, Offset, Total, ViewMeta, ViewModel, meta_of
from gateway_clients.edge.specs.filters import Filter
from gateway_clients.edge.specs.reads import ReadSpec
from gateway_clients.gateway import Gateway, SectionSpec
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.pending_value import Deferred, PendingValue
from gateway_clients.services import Services
from gateway_clients.services.payload_parser import Page as FoundPage
from gateway_clients.services.payload_parser import Payload

P = TypeVar("P", bound=Payload)
V = TypeVar("V", bound=ViewModel)

#: What was asked for: the ids of the path, the filters, `limit` and `offset`, by their names.
Asked = Mapping[str, Any]


def _as_asked(_scope: Scope, asked: Asked) -> Asked:
    return asked


@dataclass(frozen=True, kw_only=True)
class ListSpec(ReadSpec, Generic[P, V]):
    """A list of one upstream.

    `call` takes what was asked for; `narrow` first cuts that to what the caller may see. `transform` makes an item of
    the `model` from a payload; `field_transform` makes what GraphQL shows, where that is more. `newest_by` is what
    payloads are sorted by, newest first, None: as the upstream sorts them. `items` is the items' name in a page, the
    spec's own unless told. `page_model` is made of the model, under the names `page_name` and, over GraphQL,
    `page_type`.
    """

    model: type[V]
    call: Callable[[Services, Asked], Call[FoundPage[P]]]
    transform: Callable[[P], V]
    field_transform: Callable[[P], Any] | None = None
    newest_by: Callable[[P], Any] | None = None
    narrow: Callable[[Scope, Asked], Asked] = _as_asked
    filters: tuple[Filter, ...] = ()
    items: str = ""
    page_name: str = ""
    page_type: str = ""
    page_model: Any = None

    def __post_init__(self) -> None:
        """Makes the model of a page, unless it is that of another list of the same items."""
        model: Any = self.model
        name = self.page_name or f"{model.__name__}List"
        object.__setattr__(self, "items", self.items or self.name)
        object.__setattr__(self, "page_type", self.page_type or f"{model.__name__}Page")
        if self.page_model is not None:
            return
        fields = [
            (self.items, Annotated[tuple[model, ...], msgspec.Meta(description=f"The {self.name} of this page.")]),
            ("total", Total),
            ("limit", Limit),
            ("offset", Offset),
            ("has_more", HasMore),
            ("meta", ViewMeta),
        ]
        namespace = {"__doc__": self.doc}
        made = msgspec.defstruct(
            name, fields, bases=(ViewModel,), module=model.__module__, namespace=namespace, frozen=True, kw_only=True
        )
        object.__setattr__(self, "page_model", made)

    def page(
        self,
        gateway: Gateway,
        asked: Asked,
        *,
        page: Page,
        scope: Scope = EVERYTHING,
        transform: Callable[[P], Any] | None = None,
    ) -> PendingValue[Any]:
        """One page of what the caller may see of what is asked for, each item made by `transform` if one is given.

        Raises what the upstream fails with.
        """
        query = self.narrow(scope, {**asked, "limit": page.limit, "offset": page.offset})
        call = gateway.call(self.call(gateway, query))

        def shown() -> Any:
            found, section = required_section(call)
            return self.page_model(
                **{self.items: self.shown(found, transform)[: page.limit]},
                total=found.total,
                limit=page.limit,
                offset=page.offset,
                has_more=has_more(found, section, page),
                meta=meta_of({self.items: section}),
            )

        return Deferred(shown)

    def shown(self, found: FoundPage[P], transform: Callable[[P], Any] | None = None) -> tuple[V, ...]:
        """The items of a page, newest first where they are sorted."""
        items = sorted(found.items, key=self.newest_by, reverse=True) if self.newest_by else found.items
        return tuple(map(transform or self.transform, items))

    def section(self, subject_name: str) -> SectionSpec[FoundPage[P], tuple[V, ...]]:
        """Its newest items as a section of the view of a subject, such as of a `member_id`."""

        def newest(found: FoundPage[P]) -> tuple[V, ...]:
            return self.shown(found)[:NEWEST]

        # What a section shows is told by its transformer: the view's model and the shape of what is kept follow it.
        shown: Any = tuple[self.model, ...]  # type: ignore[name-defined]  # a type that is a value
        newest.__annotations__["return"] = Annotated[shown, msgspec.Meta(description="The 5 newest, newest first.")]
        return SectionSpec(
            name=self.name,
            service=self.service,
            call=lambda gateway, subject_id: self.call(gateway, {subject_name: subject_id, "limit": NEWEST}),
            transform=newest,
            dropped_by=self.dropped_by,
        )
