"""The slow road through an answer that is not as its contract says: keeps what can be read and names what cannot.

Walked only after the one quick decode of the whole answer has failed, so that a good answer costs nothing here. Raises
ValueError for an answer of which nothing can be used.
"""

import datetime
import types
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec

from gateway_clients.resilience.deadline import Deadline
from gateway_clients.services.json_kinds import kind_of

#: How many names of drifting fields are kept of one answer.
MAX_DRIFT_NAMES: Final = 20
#: How many items of one answer may need the slow road; one with more is no answer to anything that is asked.
MOST_SLOW_ITEMS: Final = 10_000
#: How many commas such an answer may have: each parts two values, which take ten times as much memory as they are long.
MOST_COMMAS: Final = 500_000
#: After so many slow items the clock is looked at.
SLOW_ITEMS_PER_LOOK: Final = 64

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])


class TooManyBrokenError(Exception):
    """So many items are not as the contract says that none of them is of use; unlike one of them, it ends it all."""


@dataclass(slots=True)
class Findings:
    """What was wrong: items left out of the answer's own lists, and fields that drifted (`items[].provider.name`).

    `drifted` names those of the fields that are missing from what could be read; `drift`
    has the fields of items that were left out as well. `shapes` tells what was sent for them, by kind.
    `has_lost_list`: one of the answer's own lists was sent and could not be read.

    `deadline`: when the reading has to be over.
    """

    deadline: Deadline | None = None
    omitted: int = 0
    drift: dict[str, None] = field(default_factory=dict)
    drifted: dict[str, None] = field(default_factory=dict)
    shapes: dict[str, str] = field(default_factory=dict)
    has_lost_list: bool = False
    _slow_items: int = 0

    def count_slow_item(self) -> None:
        """Counts an item that cannot be read as it is. Raises TooManyBrokenError, TimeoutError."""
        self._slow_items += 1
        if self._slow_items > MOST_SLOW_ITEMS:
            raise TooManyBrokenError
        is_late = self._slow_items % SLOW_ITEMS_PER_LOOK == 0 and self.deadline is not None and self.deadline.has_passed
        if is_late:
            raise TimeoutError

    def note(self, path: str, raw: msgspec.Raw | None = None) -> None:
        """Keeps the name of a field that is not as the contract says, and of which kind it is."""
        if path not in self.shapes and len(self.shapes) < MAX_DRIFT_NAMES:
            self.shapes[path] = "nothing" if raw is None else kind_of(bytes(raw))
        for names in (self.drift, self.drifted):
            if len(names) < MAX_DRIFT_NAMES:
                names[path] = None


def read(body: bytes, payload_type: Any, findings: Findings) -> Any:
    """The payload, with None or the default for optional fields that are broken and without list items that are.

    Raises ValueError when a required field is broken, or a list had items and none could be read; TooManyBrokenError;
    TimeoutError.
    """
    if body.count(b",") > MOST_COMMAS:
        raise TooManyBrokenError
    return _struct(msgspec.Raw(body), payload_type, "", findings)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    decoder: msgspec.json.Decoder[Any]
    is_required: bool
    struct: Any = None
    item: Any = None


@cache
def _fields_of(payload_type: Any) -> tuple[tuple[str, _Field], ...]:
    return tuple(
        (
            info.encode_name,
            _Field(
                name=info.name,
                decoder=msgspec.json.Decoder(info.type),
                is_required=info.required,
                struct=_struct_in(info.type),
                item=_item_struct_in(info.type),
            ),
        )
        for info in msgspec.structs.fields(payload_type)
    )


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    if origin in {Union, types.UnionType}:
        return tuple(alternative for arg in get_args(annotation) for alternative in _alternatives(arg))
    return (annotation,)


def _struct_in(annotation: Any) -> Any:
    return next(
        (
            alternative
            for alternative in _alternatives(annotation)
            if isinstance(get_origin(alternative) or alternative, msgspec.StructMeta)
        ),
        None,
    )


def _item_struct_in(annotation: Any) -> Any:
    return next(
        (
            _struct_in(get_args(alternative)[0])
            for alternative in _alternatives(annotation)
            if get_origin(alternative) is tuple and len(get_args(alternative)) == 2 and get_args(alternative)[1] is ...
        ),
        None,
    )


def _struct(raw: msgspec.Raw, payload_type: Any, path: str, findings: Findings) -> Any:
    sent = _object.decode(raw)
    values: dict[str, Any] = {}
    for encoded_name, told in _fields_of(payload_type):
        where = f"{path}.{encoded_name}" if path else encoded_name
        if encoded_name not in sent:
            if told.is_required:
                findings.note(where)
                raise ValueError(f"{where} is missing")
            continue
        try:
            values[told.name] = _value(sent[encoded_name], told, where, findings)
        except ValueError:
            findings.note(where, sent[encoded_name])
            if told.is_required:
                raise
            findings.has_lost_list |= told.item is not None and not path
    return payload_type(**values)


def _value(raw: msgspec.Raw, told: _Field, where: str, findings: Findings) -> Any:
    try:
        return _within_utc(told.decoder.decode(raw))
    except ValueError:
        if told.item is not None:
            return _items(raw, told.item, where, findings)
        if told.struct is not None:
            return _struct(raw, told.struct, where, findings)
        raise


def _within_utc(value: Any) -> Any:
    """The value as it is. Raises ValueError for a moment that no year of UTC has: its field is lost, not its object."""
    if isinstance(value, datetime.datetime):
        try:
            value.astimezone(datetime.UTC)
        except OverflowError:
            raise ValueError("out of range") from None
    return value


def _items(raw: msgspec.Raw, item_type: Any, where: str, findings: Findings) -> tuple[Any, ...]:
    sent = _array.decode(raw)
    items: list[Any] = []
    is_inner = "." in where
    decoder = _decoder_of(item_type)
    for one in sent:
        try:
            items.append(decoder.decode(one))
        except ValueError:
            drifted = dict(findings.drifted)
            findings.count_slow_item()
            try:
                items.append(_struct(one, item_type, f"{where}[]", findings))
            except ValueError:
                findings.note(f"{where}[]", one)
                findings.drifted = drifted | ({f"{where}[]": None} if is_inner else {})
    if not is_inner:
        findings.omitted += len(sent) - len(items)
    if sent and not items:
        raise ValueError(f"nothing of {where} could be read")
    return tuple(items)


@cache
def _decoder_of(payload_type: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(payload_type)
