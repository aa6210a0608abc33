"""What the pipe asks its driver to do for it while it waits."""

from collections.abc import Generator
from typing import TypeVar

import msgspec

from gateway_clients.caching.entries import Fill, Look, Reading
from gateway_clients.resilience.bulkhead import Ticket
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import Answer, Outgoing


class Attempt(msgspec.Struct, frozen=True):
    """Send this; sent back: the Answer, or one of UpstreamUnavailableError's kinds is thrown."""

    outgoing: Outgoing
    deadline: Deadline


class Pause(msgspec.Struct, frozen=True):
    """Go on after that many seconds."""

    seconds: float


class Turn(msgspec.Struct, frozen=True):
    """Go on once the ticket has a place, or when the deadline has passed."""

    ticket: Ticket
    deadline: Deadline


class Release(msgspec.Struct, frozen=True):
    """Give the lease of this reading back."""

    reading: Reading


#: Look: a Reading is sent back. Fill: whether it was valid; None: nobody knows.
Step = Attempt | Pause | Turn | Release | Look | Fill
Sent = Answer | Reading | bool | None
P = TypeVar("P")
#: What yields steps, is sent their results, and ends with a value.
Pipe = Generator[Step, Sent, P]
