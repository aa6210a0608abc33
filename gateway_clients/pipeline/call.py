"""What one operation of an upstream is, told as a value."""

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import msgspec

from gateway_clients.caching.keys import CacheKey

P = TypeVar("P")

JSON: Final = "application/json"


class Parsed(msgspec.Struct, Generic[P], frozen=True):
    """A payload; how many items of its list could not be read; and the fields that were not as the contract says.

    `drift` names fields as msgspec's paths do (`items[].total_amount`), for logs and metrics; never values. `drifted`
    has those of them that are missing from the payload, without those of items that were left out.
    """

    value: P
    omitted: int = 0
    drift: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()


class ForeignAnswerError(ValueError):
    """The answer is about somebody else than was asked for."""


class Call(msgspec.Struct, Generic[P], frozen=True, kw_only=True):
    """One operation to ask of one upstream: what to send, how to read the answer, under which key it may be kept.

    Nothing is sent until the call is handed to a fan-out. `parse` takes the body and the deadline, by which it has read
    it or raises TimeoutError. `target` is the encoded path with its query. A call without a
    `key` is never kept; `payload_type` is what msgspec needs to read a kept payload back. `is_repeatable`: a read, or a
    question such as an eligibility check, that may be sent twice. `is_patient`: it belongs to a write, so it waits for
    a place at an upstream that is busy, and for the end of a pause, while the deadline lasts. `accept` is what it may
    be answered with.
    """

    service: str
    operation: str
    target: str
    parse: Callable[..., Parsed[P]]
    payload_type: Any = Any
    method: str = "GET"
    body: bytes | None = None
    content_type: str | None = None
    accept: str = JSON
    idempotency_key: str | None = None
    key: CacheKey | None = None
    is_repeatable: bool = True
    is_patient: bool = False
