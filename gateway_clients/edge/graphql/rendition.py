"""Renditions: sections kept as the JSON of one selection, so that a repeated operation
needs no projection.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from graphql import FieldNode

from gateway_clients.edge.graphql.errors import Failed, Path
from gateway_clients.edge.graphql.projection import Shown, Within, complete, plain
from gateway_clients.edge.graphql.selection import SelectedField, Selection
from gateway_clients.gateway import Rendition, UnrenderableError

_SHOWN: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def rendition_of(selection: Selection, homes: Mapping[str, str]) -> Rendition | None:
    """The rendition of a selection of a view; None if it depends on more than the
    sections.

    `homes` maps the source name of each field to its section.
    """
    fields = [field for field in selection if field.source.name in homes]
    has_twins = len({field.slot for field in fields}) < len(fields)
    if has_twins or selection.copied is not None or not all(map(_hangs_on_its_section_alone, fields)):
        return None

    def render(subject_id: str, section: str, json: msgspec.Raw) -> msgspec.Raw:
        value = plain(json)
        within = Within(subject_id, subject_id, selection.type_name)
        shown = {
            field.slot: complete(part_of(value, field.source.name, section), field, (field.key,), _refuse, within)
            for field in fields
            if homes[field.source.name] == section
        }
        return msgspec.Raw(msgspec.json.encode(shown))

    asked = ",".join(map(_text, fields))
    return Rendition(name=hashlib.blake2b(asked.encode(), digest_size=12).hexdigest(), render=render)


def shown_parts(rendered: msgspec.Raw) -> dict[str, Shown]:
    """The fields of a rendered section, by slot."""
    return {slot: Shown(json) for slot, json in _SHOWN.decode(rendered).items()}


def part_of(value: Any, name: str, section: str) -> Any:
    """The value of a field: the whole section, or the part of it that has the name of
    the field.
    """
    return value[name] if name != section and isinstance(value, dict) else value


def _refuse(_failed: Failed, _path: Path, _node: FieldNode) -> None:
    raise UnrenderableError


def _hangs_on_its_section_alone(field: SelectedField) -> bool:
    has_arguments = field.definition is not None and bool(field.definition.args)
    below = field.child or ()
    has_calls = field.is_resolved or field.source.load is not None
    return not (has_arguments or has_calls) and all(map(_hangs_on_its_section_alone, below))


def _text(field: SelectedField) -> str:
    """A canonical text of a selected field; equal for equal selections."""
    below = f"{{{','.join(map(_text, field.child))}}}" if field.child is not None else ""
    return f"{field.key}:{field.name}{field.source.identity}{below}"
