"""Shows the value of one entry to staff who gave a reason; masked unless they ask for more."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from gateway_clients.caching.lookups import ENTRY_DECODER
from gateway_clients.caching.redis_keys import entry_name
from gateway_clients.encryption import UnsealableError, sealer
from gateway_clients.redis_access.circuit import RedisCircuit

#: The most items of a list that are shown masked; the others are like them.
MOST_ITEMS: Final = 2
#: The field of an upstream's answer that names the member whose data it is.
MEMBER: Final = "member_id"


class UnreadableEntryError(Exception):
    """The entry has gone, is not the gateway's, or no key decrypts it."""


class Revealed(NamedTuple):
    """A value as JSON, and the members that it names; none where it is about the member whom its key names."""

    value: Any
    members: tuple[str, ...]


def revealed(circuit: RedisCircuit, key: str) -> Revealed:
    """Returns the value under a key. Raises UnreadableEntryError, CacheDownError."""
    raw: Any = circuit.run(lambda redis: redis.get(entry_name(key)))
    if not isinstance(raw, bytes):
        raise UnreadableEntryError
    try:
        entry = ENTRY_DECODER.decode(sealer().open(key, raw.partition(b"\n")[2]))
        return _unpacked(msgspec.msgpack.decode(entry.body))
    except (UnsealableError, ValueError, RecursionError):
        raise UnreadableEntryError from None


def _unpacked(value: Any) -> Revealed:
    """The value; a kept view's sections, which are JSON within it and say whom they name, by their names."""
    is_view = isinstance(value, list) and value and all(_is_section(each) for each in value)
    if not is_view:
        return Revealed(value, tuple(dict.fromkeys(_named(value))))
    members = dict.fromkeys(member_id for *_, named in value for member_id in named or ())
    return Revealed({name: msgspec.json.decode(body) for name, body, *_ in value}, tuple(members))


def _is_section(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 4 and isinstance(value[0], str) and isinstance(value[1], bytes)


def _named(value: Any) -> Iterator[str]:
    """The members whose data stands in an upstream's answer."""
    if isinstance(value, dict):
        if isinstance(value.get(MEMBER), str):
            yield value[MEMBER]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _named(each)


def masked(value: Any) -> Any:
    """Returns the shape of a value: its names, and the kind of each member."""
    match value:
        case dict():
            return {name: masked(each) for name, each in value.items()}
        case list() | tuple():
            rest = len(value) - MOST_ITEMS
            shown = [masked(each) for each in value[:MOST_ITEMS]]
            return [*shown, f"… {rest} more"] if rest > 0 else shown
        case bool():
            return "boolean"
        case None:
            return None
        case int() | float():
            return "number"
        case _:
            return "text"
