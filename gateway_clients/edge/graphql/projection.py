"""From a view's data to what was asked of it: no second execution, only the asked fields, in the asked order."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from graphql import FieldNode

from gateway_clients.edge.graphql.errors import Failed, Path
from gateway_clients.edge.graphql.selection import Chosen, Selection
from gateway_clients.fan_out.sections import Section

INT_LIMIT: Final = 2**31

#: Told of each value that could not be had, where it was asked for.
Report = Callable[[Failed, Path, FieldNode], None]


class Shown(msgspec.Struct, frozen=True):
    """A value that is JSON already, just as it was asked for."""

    json: msgspec.Raw


class UnshowableError(Exception):
    """A value is missing that must not be, or a number is too large for GraphQL's Int."""


def plain(value: Any) -> Any:
    """View models, sections and kept JSON as plain data: objects, lists, texts, numbers."""
    if isinstance(value, msgspec.Raw):
        return msgspec.json.decode(value)
    if isinstance(value, Section):
        return plain(value.value)
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, Failed | Shown):
        return value
    return msgspec.to_builtins(value)


def project(data: Mapping[str, Any], selection: Selection, path: Path, report: Report) -> dict[str, Any]:
    """The asked fields of one object. Raises UnshowableError."""
    shown: dict[str, Any] = {}
    if selection.copied is not None:
        copied = {key: data.get(slot) for key, slot in selection.copied}
        if _is_whole(copied):
            return copied
    for field in selection.fields:
        source = field.source
        if field.definition is None:
            shown[field.key] = selection.type_name
            continue
        value = data.get(field.slot)
        if value.__class__ is Failed:
            report(value, (*path, field.key), field.node)
            value = None
        elif source.convert is not None and value is not None:
            value = source.convert(value)
        shown[field.key] = complete(value, field, (*path, field.key), report)
    return shown


def complete(value: Any, field: Chosen, path: Path, report: Report) -> Any:
    """One value as it is shown. Raises UnshowableError."""
    if value.__class__ is Shown:
        return value.json
    if value is None:
        if field.is_required:
            raise UnshowableError(f"{field.name} is missing")
        return None
    child = field.child
    if child is None:
        if field.is_int and not -INT_LIMIT <= value < INT_LIMIT:
            raise UnshowableError(f"{field.name} is too large")
        return value
    if field.is_list and child.copied is not None:
        slots = child.copied
        items = [{key: item.get(slot) for key, slot in slots} for item in value]
        if all(map(_is_whole, items)):
            return items
    if field.is_list:
        return [project(item, child, (*path, number), report) for number, item in enumerate(value)]
    return project(value, child, path, report)


def _is_whole(shown: Mapping[str, Any]) -> bool:
    """Whether no value is missing, so that there is nothing to be told of any."""
    values = shown.values()
    return None not in values and Failed not in map(type, values)
