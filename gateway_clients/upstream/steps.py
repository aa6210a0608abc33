"""What the pipe asks its driver to do for it while it waits."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

from gateway_clients.caching.entries import Reading
from gateway_clients.caching.store import Fill, Look
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.transport.messages import Answer, Outgoing


@dataclass(frozen=True, slots=True)
class Attempt:
    """Send this; sent back: the Answer, or one of UpstreamUnavailableError's kinds is thrown."""

    outgoing: Outgoing
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class Pause:
    """Go on after that many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Release:
    """Give the lease of this reading back."""

    reading: Reading


#: Look: a Reading is sent back. Fill: whether it was valid.
Step = Attempt | Pause | Release | Look | Fill
Sent = Answer | Reading | bool | None
P = TypeVar("P")
#: What yields steps, is sent their results, and ends with a value.
Pipe = Generator[Step, Sent, P]
