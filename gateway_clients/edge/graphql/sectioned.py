"""Views made of sections, of which only those are asked for that the selection needs."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway_clients.edge.graphql.asking import Ask
from gateway_clients.edge.graphql.errors import Failed
from gateway_clients.edge.graphql.projection import plain
from gateway_clients.edge.graphql.selection import Chosen
from gateway_clients.edge.view_models import ViewMeta, meta_of
from gateway_clients.errors import UpstreamError
from gateway_clients.fan_out.sections import Section, SectionState
from gateway_clients.fan_out.waves import Step, side_by_side
from gateway_clients.gateway import ViewSpec

#: A field of a view that has arguments and calls of its own.
Part = Callable[[Ask, Mapping[str, Any]], Any]

MISSING = frozenset({SectionState.FALLBACK, SectionState.UNAVAILABLE})


def sectioned(
    ask: Ask,
    spec: ViewSpec,
    subject_id: str,
    *,
    flattened: Mapping[str, str] | None = None,
    parts: Mapping[str, Part] | None = None,
) -> dict[str, Any]:
    """The asked parts of a view, by the names of their sources.

    Fields of a section that is unavailable, or a mere fallback, say why they are null. `flattened`: fields that stand
    in the view itself → their section. Raises UpstreamNotFoundError when the section that decides existence has none.
    """
    homes = {name: name for name in spec.section_names} | dict(flattened or {})
    names = frozenset(homes[name] for name in ask.selection.sources if name in homes)
    own = [field for field in ask.selection if field.source.name in (parts or {})]
    steps: list[Step] = [lambda: ask.gateway.view(spec, subject_id, sections=names).parts() if names else {}]
    steps += [_step((parts or {})[field.source.name], ask, field) for field in own]

    sections, *found = side_by_side(steps)
    if isinstance(sections, Exception):
        raise sections
    services = {section.name: section.service for section in spec.sections}
    values = {name: _value_of(section, services[name]) for name, section in sections.items()}
    data = {name: value for name, value in values.items() if name not in (flattened or {}).values()}
    for name, home in (flattened or {}).items():
        if home in values:
            data[name] = _within(values[home], name)
    for field, end in zip(own, found, strict=True):
        data[field.slot] = Failed.of(end) if isinstance(end, Exception) else end
    ask.note(sections)
    return data | {"meta": meta_of(sections)}


def missing_of(meta: ViewMeta) -> dict[str, Failed]:
    """Why the sections that are unavailable are null, by their names; for views whose sections are no specs."""
    return {
        name: Failed(section.error or UpstreamError.code, UpstreamError.title)
        for name, section in meta.sections.items()
        if section.state is SectionState.UNAVAILABLE
    }


def _step(part: Part, ask: Ask, field: Chosen) -> Step:
    return lambda: part(ask, field.arguments(ask.variables))


def _value_of(section: Section[Any], service: str) -> Any:
    if section.state in MISSING:
        message = f"{service.capitalize()} service temporarily unavailable"
        return Failed(section.error or UpstreamError.code, message)
    return plain(section.value)


def _within(value: Any, name: str) -> Any:
    return value[name] if isinstance(value, dict) else value
