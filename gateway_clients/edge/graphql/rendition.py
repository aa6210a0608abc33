"""Sections shown as an operation asks for them: they are kept so, and need not be cut anew for each who asks again."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from graphql import FieldNode

from gateway_clients.edge.graphql.errors import Failed, Path
from gateway_clients.edge.graphql.projection import Shown, complete, plain
from gateway_clients.edge.graphql.selection import SelectedField, Selection
from gateway_clients.gateway import Rendition, UnrenderableError

_SHOWN: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def rendition_of(selection: Selection, homes: Mapping[str, str]) -> Rendition | None:
    """How an operation wants the sections of a view; None where what it shows hangs on more than on the sections.

    `homes`: the section of each field, by the names of their sources.
    """
    fields = [field for field in selection if field.source.name in homes]
    has_twins = len({field.slot for field in fields}) < len(fields)
    if has_twins or selection.copied is not None or not all(map(_hangs_on_its_section_alone, fields)):
        return None

    def render(section: str, json: msgspec.Raw) -> msgspec.Raw:
        value = plain(json)
        shown = {
            field.slot: complete(part_of(value, field.source.name, section), field, (field.key,), _refuse)
            for field in fields
            if homes[field.source.name] == section
        }
        return msgspec.Raw(msgspec.json.encode(shown))

    asked = ",".join(map(_text, fields))
    return Rendition(name=hashlib.blake2b(asked.encode(), digest_size=12).hexdigest(), render=render)


def shown_parts(rendered: msgspec.Raw) -> dict[str, Shown]:
    """What a section was rendered to: the values of its fields, by their slots."""
    return {slot: Shown(json) for slot, json in _SHOWN.decode(rendered).items()}


def part_of(value: Any, name: str, section: str) -> Any:
    """What a field shows of its section: the whole, or the part of it that has the field's name."""
    return value[name] if name != section and isinstance(value, dict) else value


def _refuse(_failed: Failed, _path: Path, _node: FieldNode) -> None:
    raise UnrenderableError


def _hangs_on_its_section_alone(field: SelectedField) -> bool:
    has_arguments = field.definition is not None and bool(field.definition.args)
    below = field.child or ()
    return not has_arguments and field.source.load is None and all(map(_hangs_on_its_section_alone, below))


def _text(field: SelectedField) -> str:
    """What is asked for, and under which names; the same text asks for the same."""
    below = f"{{{','.join(map(_text, field.child))}}}" if field.child is not None else ""
    return f"{field.key}:{field.name}{below}"
