"""Cuts the data of a view to the selected fields, in the order of the selection."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

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
    """A value that is already the JSON of the selected fields."""

    json: msgspec.Raw


class Within(NamedTuple):
    """The position of an object in the answer, from which ids are derived that the data
    does not contain.

    `owner` is the nearest id above the object that the data contains, `parent` the id
    of the object that contains it, and `kind` the type of that.
    """

    owner: str = ""
    parent: str = ""
    kind: str = ""


ROOT: Final = Within()


class UnshowableError(Exception):
    """A non-null value is missing, or too large for `Int`. The reason was reported
    where it was found.
    """


def plain(value: Any) -> Any:
    """Converts view models, sections and kept JSON to plain data: objects, lists,
    strings, numbers.
    """
    if isinstance(value, msgspec.Raw):
        return msgspec.json.decode(value)
    if isinstance(value, Section):
        return plain(value.value)
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, Failed | Shown):
        return value
    return msgspec.to_builtins(value)


def project(
    data: Mapping[str, Any], selection: Selection, path: Path, report: Report, within: Within = ROOT
) -> dict[str, Any]:
    """The selected fields of an object. Raises UnshowableError if a non-null one cannot
    be shown.
    """
    shown: dict[str, Any] = {}
    if selection.copied is not None:
        copied = {key: data.get(slot) for key, slot in selection.copied}
        if _is_whole(copied):
            return copied
    below = _inside(data, selection, path, within) if selection.has_identities else within
    for field in selection.fields:
        source = field.source
        if field.definition is None:
            shown[field.key] = selection.type_name
            continue
        value = below.parent if source.identity else data.get(field.slot)
        if value.__class__ is Failed:
            report(value, (*path, field.key), field.node)
            if field.is_required:
                raise UnshowableError(field.name)
            value = None
        elif source.convert is not None and value is not None:
            value = source.convert(value)
        shown[field.key] = complete(value, field, (*path, field.key), report, below)
    return shown


def _inside(data: Mapping[str, Any], selection: Selection, path: Path, within: Within) -> Within:
    """The position of the fields of this object."""
    known = data.get("id")
    if known is not None:
        return Within(known, known, selection.type_name)
    if not selection.identity:
        return within._replace(kind=selection.type_name)
    index = path[-1] if path and isinstance(path[-1], int) else 0
    made = selection.identity.format_map({**data, **within._asdict(), "index": index})
    return Within(within.owner, made, selection.type_name)


def complete(value: Any, field: SelectedField, path: Path, report: Report, within: Within = ROOT) -> Any:
    """The value of a field. A nullable value whose content cannot be shown is null; a
    list drops such items.

    Raises UnshowableError for a non-null value that cannot be shown.
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
        return _items(value, field, path, report, within)
    try:
        return project(value, field.child, path, report, within)
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


def _items(
    values: Sequence[Any], field: SelectedField, path: Path, report: Report, within: Within
) -> Sequence[dict[str, Any] | None]:
    """The items that can be shown, and null where one may be."""
    child = field.child
    assert child is not None
    if child.copied is not None and None not in values:
        slots = child.copied
        items = [{key: item.get(slot) for key, slot in slots} for item in values]
        if all(map(_is_whole, items)):
            return items
    shown: list[dict[str, Any] | None] = []
    for number, item in enumerate(values):
        if item is not None:
            with suppress(UnshowableError):
                shown.append(project(item, child, (*path, number), report, within))
        elif field.has_null_items:
            shown.append(None)
        else:
            report(MISSING, (*path, number), field.node)
    return shown


def _is_whole(shown: Mapping[str, Any]) -> bool:
    """Whether all values are there, so that there is nothing to report."""
    values = shown.values()
    return None not in values and Failed not in map(type, values)
