"""Views made of sections, of which only those are asked for that the selection needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from gateway_clients.edge.graphql.errors import Failed
from gateway_clients.edge.graphql.field_request import FieldRequest
from gateway_clients.edge.graphql.projection import plain
from gateway_clients.edge.graphql.rendition import part_of, rendition_of, shown_parts
from gateway_clients.edge.graphql.selection import SelectedField, Selection
from gateway_clients.edge.view_models import ViewMeta
from gateway_clients.errors import UpstreamError
from gateway_clients.gateway import Rendition, ViewSpec
from gateway_clients.pipeline.section import Section, SectionState
from gateway_clients.pipeline.waves import Step, together

#: A field of a view that has arguments and calls of its own.
Part = Callable[[FieldRequest, Mapping[str, Any]], Any]

MISSING = frozenset({SectionState.FALLBACK, SectionState.UNAVAILABLE})


@dataclass(frozen=True, kw_only=True)
class SectionView:
    """A view made of sections, as a root field shows it.

    `flattened`: fields that stand in the view itself → their section. `parts`: fields with arguments and calls of their
    own.
    """

    spec: ViewSpec
    flattened: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)

    @cached_property
    def _homes(self) -> Mapping[str, str]:
        """The section of each field."""
        return {name: name for name in self.spec.section_names} | dict(self.flattened)

    @cached_property
    def _services(self) -> Mapping[str, str]:
        return {section.name: section.service for section in self.spec.sections}

    def shown(self, field_request: FieldRequest, subject_id: str) -> dict[str, Any]:
        """The asked parts of the view, by the names of their sources.

        Fields of a section that is unavailable, or a mere fallback, say why they are null. Raises UpstreamNotFoundError
        when the section that decides existence has none.
        """
        wanted = self._wanted(field_request.selection)
        steps: list[Step] = [lambda: self._sections(field_request, subject_id, wanted)]
        steps += [_step(self.parts[chosen.source.name], field_request, chosen) for chosen in wanted.parts]

        viewed, *found = together(field_request.gateway, steps)
        if isinstance(viewed, Exception):
            raise viewed
        sections: Mapping[str, Section[Any]]
        data: dict[str, Any]
        sections, data = viewed
        for chosen, end in zip(wanted.parts, found, strict=True):
            data[chosen.slot] = Failed.of(end) if isinstance(end, Exception) else end
        meta = field_request.note(sections)
        return data | {"meta": meta} if wanted.has_meta else data

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

    def _sections(
        self, field_request: FieldRequest, subject_id: str, wanted: "_Wanted"
    ) -> tuple[Mapping[str, Section[Any]], dict[str, Any]]:
        """The sections, and the values of the fields that were asked of them, by their slots."""
        if not wanted.sections:
            return {}, {}
        view = field_request.gateway.view(self.spec, subject_id, sections=wanted.sections, rendition=wanted.rendition)
        sections = view.parts()
        if view.is_rendered:
            rendered = (section.value for section in sections.values() if section.value is not None)
            return sections, {slot: shown for json in rendered for slot, shown in shown_parts(json).items()}
        data = {name: _value_of(section, self._services[name]) for name, section in sections.items()}
        for home in wanted.sections.intersection(self.flattened.values()):
            whole = plain(data[home])
            data |= {name: part_of(whole, name, home) for name, its in self.flattened.items() if its == home}
        return sections, data


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a selection wants of a view."""

    sections: frozenset[str]
    parts: tuple[SelectedField, ...]
    has_meta: bool
    rendition: Rendition | None


def missing_of(meta: ViewMeta) -> dict[str, Failed]:
    """Why the sections that are unavailable are null, by their names; for views whose sections are no specs."""
    return {
        name: Failed(section.error or UpstreamError.code, UpstreamError.title)
        for name, section in meta.sections.items()
        if section.state is SectionState.UNAVAILABLE
    }


def _step(part: Part, field_request: FieldRequest, field: SelectedField) -> Step:
    return lambda: part(field_request, field.arguments(field_request.variables))


def _value_of(section: Section[Any], service: str) -> Any:
    if section.state in MISSING:
        message = f"{service.capitalize()} service temporarily unavailable"
        return Failed(section.error or UpstreamError.code, message)
    return section.value
