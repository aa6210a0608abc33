"""From an upstream's bytes to payloads: parsed once, at the door, each item of a list by itself.

Everything here raises ValueError (msgspec's errors are ValueErrors) for an answer that cannot be used; the pipe makes
an `UpstreamContractError` of it. A good answer costs one decode of the whole; only when that fails is it read field by
field (`lenient`).
"""

import datetime
from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec

from gateway_clients.caching.shapes import shape_of
from gateway_clients.pipeline.call import ForeignAnswerError, Parsed
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.services import lenient

P = TypeVar("P")
I = TypeVar("I", bound="Payload")  # noqa: E741

#: The largest number every JSON reader keeps exactly.
MAX_SAFE_INTEGER: Final = 2**53 - 1

#: Whole rupiah, and other whole numbers of upstreams.
Amount = Annotated[int, msgspec.Meta(ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER)]
#: How many there are of something.
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_SAFE_INTEGER)]
UTC: Final = datetime.UTC
#: A moment with its offset; one without says nothing.
Moment = Annotated[datetime.datetime, msgspec.Meta(tz=True)]


class Payload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an upstream sent, parsed, only the fields used. Subclasses list their fields; unknown ones are dropped.

    Fields the contract requires have no default. Enumerations stay texts: a new value must not break the answer.
    """


def hold_in_utc(payload: Payload, name: str) -> None:
    """Turns a moment to UTC, so that a kept payload comes back as it was. Raises ValueError for no such year."""
    at: datetime.datetime | None = getattr(payload, name)
    if at is not None and at.tzinfo is not UTC:
        try:
            msgspec.structs.force_setattr(payload, name, at.astimezone(UTC))
        except OverflowError:
            raise ValueError(f"{name} is out of range") from None


class Page(msgspec.Struct, Generic[I], frozen=True):
    """One page of an upstream's list, with only the items that could be read; `total` is the upstream's count."""

    items: tuple[I, ...]
    total: Count | None = None


class Parser(msgspec.Struct, Generic[P], frozen=True):
    """Reads answers of one type. `payload_type` is also what msgspec needs to read a kept payload back, and `shape`
    tells it from other versions of itself.

    `needs_lists`: a list that was sent and cannot be read spoils the answer, since an
    empty one would say something else.
    """

    payload_type: Any
    decoder: msgspec.json.Decoder[Any]
    shape: str
    is_asked_for: Callable[[P], bool] | None = None
    has_total: bool = False
    needs_lists: bool = False

    def __call__(self, body: bytes, deadline: Deadline | None = None) -> Parsed[P]:
        """The payload.

        Raises ValueError for an unusable answer, ForeignAnswerError for one about somebody else, and TimeoutError for
        one that is so broken that the deadline passes meanwhile.
        """
        try:
            parsed = self._read(body, deadline)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        except lenient.TooManyBrokenError:
            raise ValueError("too many broken items") from None
        if self.is_asked_for is not None and not self.is_asked_for(parsed.value):
            raise ForeignAnswerError("about somebody else than was asked for")
        return parsed

    def _read(self, body: bytes, deadline: Deadline | None) -> Parsed[P]:
        try:
            value = self.decoder.decode(body)
        except ValueError:
            findings = lenient.Findings(deadline)
            value = lenient.read(body, self.payload_type, findings)
            if self.needs_lists and findings.has_lost_list:
                raise
            return Parsed(value, findings.omitted, tuple(findings.drift), tuple(findings.drifted), findings.shapes)
        if self.has_total and value.total is None:
            return Parsed(value, drift=("total",), shapes={"total": "nothing"})
        return Parsed(value)


def one(
    payload_type: type[I], *, is_asked_for: Callable[[I], bool] | None = None, needs_lists: bool = False
) -> Parser[I]:
    """A parser of a single object. `is_asked_for` tells whether it is the one that was asked for."""
    decoder, shape = _read_as(payload_type)
    return Parser(payload_type, decoder, shape, is_asked_for, needs_lists=needs_lists)


def page(
    item_type: type[I], *, is_asked_for: Callable[[I], bool] | None = None, has_total: bool = True
) -> Parser[Page[I]]:
    """A parser of `{"items": [...], "total": n}`, each item by itself.

    One item about somebody else than was asked for refuses the whole page.
    """
    payload_type, decoder, shape = _page_of(item_type)
    if is_asked_for is None:
        return Parser(payload_type, decoder, shape, has_total=has_total)
    return Parser(payload_type, decoder, shape, lambda found: all(map(is_asked_for, found.items)), has_total)


class _Unread(Parser[None], frozen=True):
    def __call__(self, _body: bytes, _deadline: Deadline | None = None) -> Parsed[None]:
        return Parsed(None)


@cache
def _read_as(payload_type: Any) -> tuple[msgspec.json.Decoder[Any], str]:
    return msgspec.json.Decoder(payload_type), shape_of(payload_type)


@cache
def _page_of(item_type: Any) -> tuple[Any, msgspec.json.Decoder[Any], str]:
    return Page[item_type], *_read_as(Page[item_type])


#: The parser of an answer whose body does not matter.
nothing: Final[Parser[None]] = _Unread(None, *_read_as(None))


__all__: Sequence[str] = (
    "Amount",
    "Count",
    "ForeignAnswerError",
    "Moment",
    "Page",
    "Parsed",
    "Parser",
    "Payload",
    "hold_in_utc",
    "nothing",
    "one",
    "page",
)
