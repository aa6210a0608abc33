"""From a view's data to what was asked of it: no second execution, only the asked fields, in the asked order."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
from graphql import FieldNode

from gateway_clients.edge.graphql.errors import Failed, Path
from gateway_clients.edge.graphql.selection import SelectedField, Selection
from gateway_clients.errors import UpstreamContractError
from gateway_clients.pipeline.section import Section

INT_LIMIT: Final = 2**31

MISSING: Final = Failed(UpstreamContractError.code, "A value is missing that must be there")
TOO_LARGE: Final = Failed(UpstreamContractError.code, "The number is too large for an Int")

#: Told of each value that could not be had, where it was asked for.
Report = Callable[[Failed, Path, FieldNode], None]


class Shown(msgspec.Struct, frozen=True):
    """A value that is JSON already, just as it was asked for."""

    json: msgspec.Raw


class UnshowableError(Exception):
    """A value that must be there is missing, or too large for GraphQL's Int; why was reported where it was found."""


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
    """The asked fields of one object. Raises UnshowableError when one that must be there cannot be shown."""
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
            if field.is_required:
                raise UnshowableError(field.name)
            value = None
        elif source.convert is not None and value is not None:
            value = source.convert(value)
        shown[field.key] = complete(value, field, (*path, field.key), report)
    return shown


def complete(value: Any, field: SelectedField, path: Path, report: Report) -> Any:
    """One value as it is shown: null, or a list without the item, where something in it must be there and is not.

    Raises UnshowableError for a value that must be there itself.
    """
    if value.__class__ is Shown:
        return value.json
    if value is None:
        if field.is_required:
            report(MISSING, path, field.node)
            raise UnshowableError(field.name)
        return None
    if field.child is None:
        return _leaf(value, field, path, report)
    if field.is_list:
        return _items(value, field.child, path, report)
    try:
        return project(value, field.child, path, report)
    except UnshowableError:
        if field.is_required:
            raise
        return None


def _leaf(value: Any, field: SelectedField, path: Path, report: Report) -> Any:
    if not field.is_int or -INT_LIMIT <= value < INT_LIMIT:
        return value
    report(TOO_LARGE, path, field.node)
    if field.is_required:
        raise UnshowableError(field.name)
    return None


def _items(values: Sequence[Any], child: Selection, path: Path, report: Report) -> list[dict[str, Any]]:
    """Those that can be shown."""
    if child.copied is not None:
        slots = child.copied
        items = [{key: item.get(slot) for key, slot in slots} for item in values]
        if all(map(_is_whole, items)):
            return items
    shown: list[dict[str, Any]] = []
    for number, item in enumerate(values):
        with suppress(UnshowableError):
            shown.append(project(item, child, (*path, number), report))
    return shown


def _is_whole(shown: Mapping[str, Any]) -> bool:
    """Whether no value is missing, so that there is nothing to be told of any."""
    values = shown.values()
    return None not in values and Failed not in map(type, values)
