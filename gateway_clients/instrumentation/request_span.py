"""The span of the request that is being answered, where traces are sent, and what is noted for it meanwhile."""

import random
import re
from contextvars import ContextVar
from typing import Final, NamedTuple

import msgspec

#: What a portal may call a request itself (`X-Request-ID`).
REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}\Z")


class RedisTrip(NamedTuple):
    """One round trip to Redis: from when to when, monotonic, and how it went: `ok`, `refused`, `failed`."""

    began_at: float
    ended_at: float
    outcome: str


class RequestSpan(msgspec.Struct, kw_only=True):
    """A sampled request's span. Ids are hexadecimal; `parent_id` is "" where the trace begins here."""

    trace_id: str
    span_id: str
    parent_id: str = ""
    tracestate: str = ""
    trips: list[RedisTrip] = []

    def traceparent_of(self, span_id: str) -> str:
        """What a child of that span is told (W3C Trace Context)."""
        return f"00-{self.trace_id}-{span_id}-01"


#: That of the request which this thread answers; None outside requests, and for one that is not sampled.
current_span: Final[ContextVar[RequestSpan | None]] = ContextVar("current_span", default=None)


def new_id(bits: int) -> str:
    """A name in hexadecimal digits, by chance, for telling things apart; no secret."""
    return f"{random.getrandbits(bits):0{bits // 4}x}"
