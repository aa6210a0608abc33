"""What the pipeline asks the event loop to do for it while it waits."""

from collections.abc import Generator
from typing import TypeVar

import msgspec

from gateway_clients.caching.lookups import CacheLookup, CacheWrite, LookupResult
from gateway_clients.resilience.bulkhead import Ticket
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import UpstreamRequest, UpstreamResponse


class SendRequest(msgspec.Struct, frozen=True):
    """Send this; sent back: the Answer, or one of UpstreamUnavailableError's kinds is thrown."""

    outgoing: UpstreamRequest
    deadline: Deadline


class Sleep(msgspec.Struct, frozen=True):
    """Go on after that many seconds."""

    seconds: float


class AwaitPlace(msgspec.Struct, frozen=True):
    """Go on once the ticket has a place, or when the deadline has passed."""

    ticket: Ticket
    deadline: Deadline


class ReleaseLease(msgspec.Struct, frozen=True):
    """Give the lease of this reading back."""

    result: LookupResult


#: CacheLookup: a LookupResult is sent back. CacheWrite: whether it was valid; None: nobody knows.
Effect = SendRequest | Sleep | AwaitPlace | ReleaseLease | CacheLookup | CacheWrite
EffectResult = UpstreamResponse | LookupResult | bool | None
P = TypeVar("P")
#: What yields steps, is sent their results, and ends with a value.
Pipeline = Generator[Effect, EffectResult, P]
