"""Effects that a pipeline yields to the event loop, and what it is sent back."""

from collections.abc import Generator
from typing import Any, TypeVar

import msgspec

from gateway_clients.caching.lookups import CacheLookup, CacheWrite, LookupResult
from gateway_clients.pipeline.outcome import Outcome
from gateway_clients.resilience.bulkhead import Ticket
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import UpstreamRequest, UpstreamResponse


class SendRequest(msgspec.Struct, frozen=True):
    """Send a request. The loop sends the UpstreamResponse back, or throws a subclass of UpstreamError."""

    outgoing: UpstreamRequest
    deadline: Deadline


class Sleep(msgspec.Struct, frozen=True):
    """Resume after `seconds`."""

    seconds: float


class AwaitPlace(msgspec.Struct, frozen=True):
    """Resume once the ticket has a place, or when the deadline has passed."""

    ticket: Ticket
    deadline: Deadline


class ReleaseLease(msgspec.Struct, frozen=True):
    """Give back the lease of this lookup's result."""

    result: LookupResult


class StoreAnswer(msgspec.Struct, frozen=True):
    """Store an outcome. The loop sends back whether it was stored; None where that is not known.

    The owner of the task learns the outcome before it is stored.
    """

    write: CacheWrite
    outcome: Outcome[Any]


#: For a CacheLookup the loop sends its LookupResult back.
Effect = SendRequest | Sleep | AwaitPlace | ReleaseLease | CacheLookup | StoreAnswer
EffectResult = UpstreamResponse | LookupResult | bool | None
P = TypeVar("P")
#: Yields effects, is sent their results, and returns a value.
Pipeline = Generator[Effect, EffectResult, P]
