"""Views made of sections; only the sections that the selection needs are loaded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from gateway_clients.edge.graphql.errors import Failed
from gateway_clients.edge.graphql.projection import plain
from gateway_clients.edge.graphql.rendition import part_of, rendition_of, shown_parts
from gateway_clients.edge.graphql.resolver_info import ResolverInfo, shown_meta
from gateway_clients.edge.graphql.selection import SelectedField, Selection
from gateway_clients.edge.output.view_models import ViewMeta
from gateway_clients.errors import UpstreamError
from gateway_clients.gateway import CompositeView, Gateway, Rendition, ViewSpec
from gateway_clients.pipeline.outcome import SectionState
from gateway_clients.pipeline.pending_value import Deferred, PendingValue, gather
from gateway_clients.pipeline.section import Section

#: The resolver of a field of a view that has arguments and calls of its own, with Graphene's signature.
Part = Callable[..., Any]

MISSING = frozenset({SectionState.FALLBACK, SectionState.UNAVAILABLE})


@dataclass(frozen=True, kw_only=True)
class SectionView:
    """A view made of sections, as a root field shows it.

    `flattened`: fields that stand in the view itself → their section. `parts`: fields
    with arguments and calls of their own, whose calls are sent with those of the
    sections.
    """

    spec: ViewSpec
    flattened: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)

    @cached_property
    def _homes(self) -> Mapping[str, str]:
        """The section of each field."""
        return {name: name for name in self.spec.section_names} | dict(self.flattened)

    def shown(self, info: ResolverInfo, subject_id: str, **known: Any) -> PendingValue[dict[str, Any]]:
        """The asked parts of the view, by the names of their sources, beside those that
        are `known` already.

        Fields of a section that is unavailable, or a mere fallback, say why they are
        null. Raises UpstreamNotFoundError when the section that decides existence has
        none.
        """
        wanted = self._wanted(info.selection)
        view = self._view(info, subject_id, wanted)
        parts = [_started(self.parts[chosen.source.name], known, info, chosen) for chosen in wanted.parts]
        slots = [chosen.slot for chosen in wanted.parts]

        def data() -> PendingValue[dict[str, Any]] | dict[str, Any]:
            sections: Mapping[str, Section[Any]] = {} if view is None else view.parts()
            meta = info.note(sections)
            info.outage = None if view is None else view.outage
            shown = {} if view is None else self._data(view, sections, wanted)
            told = {"meta": shown_meta(meta, f"{self.spec.name}:{subject_id}")} if wanted.has_meta else {}
            whole = {**shown, **known, "id": subject_id, **told}
            return gather(parts).then(lambda ends: whole | dict(zip(slots, map(_shown_or_why, ends), strict=True)))

        return Deferred(data)

    def _wanted(self, selection: Selection) -> "_Wanted":
        """Worked out once for each selection."""
        try:
            known: _Wanted = selection.notes[self.spec.name]
        except KeyError:
            known = selection.notes[self.spec.name] = _Wanted(
                sections=frozenset(self._homes[name] for name in selection.sources if name in self._homes),
                parts=tuple(chosen for chosen in selection if chosen.source.name in self.parts),
                has_meta="meta" in selection.sources,
                rendition=rendition_of(selection, self._homes),
            )
        return known

    def _view(self, info: ResolverInfo, subject_id: str, wanted: "_Wanted") -> CompositeView | None:
        if not wanted.sections:
            return None
        gateway: Gateway = info.context.gateway
        return gateway.view(self.spec, subject_id, sections=wanted.sections, rendition=wanted.rendition)

    def _data(self, view: CompositeView, sections: Mapping[str, Section[Any]], wanted: "_Wanted") -> dict[str, Any]:
        """The values of the fields that were asked of the sections, by their slots."""
        if view.is_rendered:
            rendered = (section.value for section in sections.values() if section.value is not None)
            return {slot: shown for json in rendered for slot, shown in shown_parts(json).items()}
        data = _values_of(sections, self.spec)
        for home in wanted.sections.intersection(self.flattened.values()):
            whole = plain(data[home])
            data |= {name: part_of(whole, name, home) for name, its in self.flattened.items() if its == home}
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """The sections and parts of a view that a selection needs."""

    sections: frozenset[str]
    parts: tuple[SelectedField, ...]
    has_meta: bool
    rendition: Rendition | None


def missing_of(meta: ViewMeta) -> dict[str, Failed]:
    """Why unavailable sections are null, by name; for views that have no section specs."""
    return {
        name: Failed(section.error or UpstreamError.code, UpstreamError.title)
        for name, section in meta.sections.items()
        if section.state is SectionState.UNAVAILABLE
    }


def view_data(info: ResolverInfo, view: CompositeView) -> PendingValue[dict[str, Any]]:
    """The sections of a view that a resolver returned, by their names, and its `meta`."""

    def data() -> dict[str, Any]:
        sections = view.parts()
        meta = shown_meta(info.note(sections), f"{view.spec.name}:{view.subject_id}")
        return {**_values_of(sections, view.spec), "id": view.subject_id, "meta": meta}

    return Deferred(data)


def _started(part: Part, known: Mapping[str, Any], info: ResolverInfo, selected: SelectedField) -> PendingValue[Any]:
    """Calls the resolver of a part; a failure becomes its value."""
    path = info.path.add_key(selected.key, info.selection.type_name)
    below = info.below(selected, info.selection.type_name, path)
    try:
        value = part(known, below, **selected.arguments(info.variable_values))
    except Exception as error:  # noqa: BLE001 - one part's failure, whatever it is, is not another's
        value = Failed.of(error)
    return value if isinstance(value, PendingValue) else Deferred(lambda: value)


def _shown_or_why(end: Any) -> Any:
    return Failed.of(end) if isinstance(end, Exception) else end


def _values_of(sections: Mapping[str, Section[Any]], spec: ViewSpec) -> dict[str, Any]:
    services = {section.name: section.service for section in spec.sections}
    return {name: _value_of(section, services[name]) for name, section in sections.items()}


def _value_of(section: Section[Any], service: str) -> Any:
    if section.state in MISSING:
        message = f"{service.capitalize()} service temporarily unavailable"
        return Failed(section.error or UpstreamError.code, message)
    return section.value
