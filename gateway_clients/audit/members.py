"""Finds whose data a view model shows: the fields that name a member say so in their type."""

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import msgspec

#: A field of this type names the member whose data its view model is.
MemberId = Annotated[str, msgspec.Meta(examples=["m-1"], extra={"names": "member"})]
_NOTHING: Final[tuple[tuple[str, ...], tuple[str, ...]]] = ((), ())


def members_in(value: Any) -> tuple[str, ...]:
    """The ids of the members whose data a view model shows, or a list of them; each once, in their order."""
    return tuple(dict.fromkeys(_found(value)))


def naming_field(model: type) -> str | None:
    """The field that names the member whose data a view model is; None where it is nobody's, or of several."""
    names, _ = _plan(model)
    return names[0] if names else None


def _found(value: Any) -> Iterator[str]:
    if isinstance(value, tuple | list):
        for item in value:
            yield from _found(item)
    elif isinstance(value, msgspec.Struct):
        naming, deeper = _plan(type(value))
        for name in naming:
            yield getattr(value, name)
        for name in deeper:
            yield from _found(getattr(value, name))


@cache
def _plan(model: type) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields of a view model that name members, and those below which others may."""
    if not issubclass(model, msgspec.Struct):
        return _NOTHING
    hints = get_type_hints(model, include_extras=True)
    naming = tuple(name for name in model.__struct_fields__ if _names_member(hints[name]))
    deeper = tuple(
        name for name in model.__struct_fields__ if any(_plan(each) != _NOTHING for each in _structs_in(hints[name]))
    )
    return naming, deeper


def _names_member(hint: Any) -> bool:
    return get_origin(hint) is Annotated and any(
        isinstance(each, msgspec.Meta) and (each.extra or {}).get("names") == "member" for each in hint.__metadata__
    )


def _structs_in(hint: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    for part in get_args(hint):
        yield from _structs_in(part)
