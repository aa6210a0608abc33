"""What stands in the module of an upstream: requests, answers, examples for its contract, effects of its events."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gateway_clients.caching.keys import Subject
from gateway_clients.pipeline.call import Call

Json = dict[str, Any]

DAY = datetime.date(2026, 3, 1)
THE_MEMBER = Subject.member("m-1")
THE_PROVIDER = Subject.provider("p-1")


def first_page(name: str, *items: Json, total: int = 17) -> Json:
    """A list as a portal sees it: the first page of twenty."""
    return {name: list(items), "total": total, "limit": 20, "offset": 0, "has_more": total > len(items)}


def a_page(*items: Json, total: int | None = None) -> Json:
    """A list as upstreams answer it."""
    return {"items": list(items), "total": len(items) if total is None else total}


class Read(NamedTuple):
    """A read: its operation, method and target, and the key under which its answer is kept, without the shape.

    `subjects` are the tags of the key beside that of the data class.
    """

    call: Call[Any]
    operation: str
    line: str
    key: str | None
    subjects: set[str]


class Change(NamedTuple):
    """A change or a question, as it is sent; `key` is the idempotency key."""

    call: Call[Any]
    operation: str
    line: str
    body: Json | None
    key: str | None
    is_repeatable: bool


class Foreign(NamedTuple):
    """An answer about what the call asked for, and one about something else."""

    call: Call[Any]
    own: Json
    foreign: Json


@dataclass(frozen=True, slots=True)
class Example:
    """A request that the sandbox answers with `status`. `path` may name the status of one of m-1's claims."""

    status: int
    method: str
    path: str
    body: Any = None
    files: Mapping[str, Any] = field(default_factory=dict)


class Effect(NamedTuple):
    """An event, and the sections of a view that are asked for anew after it."""

    event_type: str
    data: Json
    role: str
    path: str
    dropped: set[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamSamples:
    """All that is known of one upstream.

    `well` and `done` are what it answers to reads and to changes, by the operation, about member m-1 and provider p-1.
    `shown` is what an address makes of them, without `meta`, for somebody who reads English.
    `examples` has a request for each operation of its contract but health.
    """

    well: Mapping[str, Any]
    reads: Sequence[Read]
    examples: Mapping[str, Example]
    done: Mapping[str, Any] = field(default_factory=dict)
    shown: Mapping[str, Json] = field(default_factory=dict)
    changes: Sequence[Change] = ()
    foreign: Sequence[Foreign] = ()
    effects: Sequence[Effect] = ()
