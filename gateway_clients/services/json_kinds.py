"""Of which kind a JSON value is, told without the value."""

from typing import Final

import msgspec

#: By the first byte of a value.
KINDS: Final = {b"t": "a boolean", b"f": "a boolean", b"n": "null"}
#: Names of an object's fields that are told.
MOST_NAMES: Final = 8
_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array: Final = msgspec.json.Decoder(list[msgspec.Raw])


def kind_of(raw: bytes) -> str:
    """The kind: `a text of 12 letters`, `a list of 3`, `an object with id, name`, `a number`."""
    head = raw.lstrip()[:1]
    try:
        if head == b'"':
            return f"a text of {len(msgspec.json.decode(raw, type=str))} letters"
        if head == b"[":
            return f"a list of {len(_array.decode(raw))}"
        if head == b"{":
            names = [name for name in _object.decode(raw) if name.isidentifier() and len(name) <= 40]
            return f"an object with {', '.join(names[:MOST_NAMES]) or 'no fields'}"
    except (ValueError, RecursionError):
        return "no JSON"
    return KINDS.get(head, "a number")
