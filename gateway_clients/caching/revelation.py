"""Shows the value of one entry to staff who gave a reason; masked unless they ask for more."""

from typing import Any, Final

import msgspec

from gateway_clients.caching.lookups import ENTRY_DECODER
from gateway_clients.caching.redis_keys import entry_name
from gateway_clients.encryption import UnsealableError, sealer
from gateway_clients.redis_access.circuit import RedisCircuit

#: The most items of a list that are shown masked; the others are like them.
MOST_ITEMS: Final = 2


class UnreadableEntryError(Exception):
    """The entry has gone, is not the gateway's, or no key decrypts it."""


def revealed(circuit: RedisCircuit, key: str) -> Any:
    """Returns the value under a key as JSON. Raises UnreadableEntryError, CacheDownError."""
    raw: Any = circuit.run(lambda redis: redis.get(entry_name(key)))
    if not isinstance(raw, bytes):
        raise UnreadableEntryError
    try:
        entry = ENTRY_DECODER.decode(sealer().open(key, raw.partition(b"\n")[2]))
        return _unpacked(msgspec.msgpack.decode(entry.body))
    except (UnsealableError, msgspec.MsgspecError, RecursionError):
        raise UnreadableEntryError from None


def _unpacked(value: Any) -> Any:
    """The value; a kept view's sections, which are JSON within it, by their names."""
    is_view = isinstance(value, list) and value and all(_is_section(each) for each in value)
    if is_view:
        return {name: msgspec.json.decode(body) for name, body, *_ in value}
    return value


def _is_section(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1 and isinstance(value[0], str) and isinstance(value[1], bytes)


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
