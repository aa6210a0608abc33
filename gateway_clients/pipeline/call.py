"""One operation of an upstream as a value."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec

from gateway_clients.caching.keys import CacheKey

P = TypeVar("P")

JSON: Final = "application/json"


class Parsed(msgspec.Struct, Generic[P], frozen=True):
    """A payload, the number of unreadable items of its list, and the fields that broke the contract.

    `drift` names fields as msgspec's paths do (`items[].total_amount`), for logs and metrics; never values. `drifted`
    holds those that are missing from the payload, without those of items that were left out. `shapes` holds the kinds
    of what was sent in place of drifted fields.
    """

    value: P
    omitted: int = 0
    drift: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()
    shapes: Mapping[str, str] = {}


class ForeignAnswerError(ValueError):
    """An answer is about another subject than was asked for."""


class Call(msgspec.Struct, Generic[P], frozen=True, kw_only=True):
    """One operation of one upstream: the request, the parser of its answer, the key under which it may be cached.

    Nothing is sent until the call is handed to a fan-out. `parse` takes the body and the deadline, by which it has read
    it or raises TimeoutError. `target` is the encoded path with its query. A call without a
    `key` is never kept; `payload_type` is what msgspec needs to read a kept payload back. `is_repeatable`: a read, or a
    question such as an eligibility check, that may be sent twice. `is_patient`: it belongs to a write, so it waits for
    a place at an upstream that is busy, and for the end of a pause, while the deadline lasts. `may_probe_early`: it may
    be made as the probe of a breaker that has just opened. `accept` is what it may be answered with.
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
    may_probe_early: bool = False
