"""What a driver runs, as it sees it: pipes with those who wait for them, and what is looked for ahead of them."""

from collections.abc import Sequence
from typing import Any, Protocol

from gateway_clients.caching.entries import Look, Reading
from gateway_clients.caching.scripts import Rider
from gateway_clients.upstream.outcome import Outcome
from gateway_clients.upstream.registry import Upstream
from gateway_clients.upstream.steps import Pipe


class Job(Protocol):
    """One pipe, and who is to be told of its end."""

    target: Upstream
    pipe: Pipe[Outcome[Any]]

    def succeed(self, outcome: Outcome[Any]) -> None:
        """It has ended with this."""

    def fail(self, error: BaseException) -> None:
        """It has ended with this error."""

    def leave(self) -> bool:
        """Whether nobody needs its end but who runs it; nobody can come to need it then."""


class Ahead(Protocol):
    """Looks that are made in one round trip with the first ones of the jobs, and may make those needless."""

    looks: Sequence[Look]
    rider: Rider | None

    def take(self, readings: Sequence[Reading]) -> bool:
        """What was found; whether the jobs are wanted all the same. Nothing is asked of anybody when it raises."""
