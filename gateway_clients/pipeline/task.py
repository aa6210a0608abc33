"""What the event loop runs, as it sees it: pipes with those who wait for them, and what is looked for ahead of them."""

from collections.abc import Sequence
from typing import Any, Protocol

from gateway_clients.caching.lookups import CacheLookup, LookupResult
from gateway_clients.pipeline.effects import Pipeline
from gateway_clients.pipeline.outcome import Outcome
from gateway_clients.pipeline.upstreams import Upstream
from gateway_clients.redis_access.script import PiggybackCommand


class Task(Protocol):
    """One pipeline, and who is to be told of its end."""

    target: Upstream
    pipeline: Pipeline[Outcome[Any]]

    def succeed(self, outcome: Outcome[Any]) -> None:
        """It has ended with this."""

    def fail(self, error: BaseException) -> None:
        """It has ended with this error."""

    def abandon_if_unshared(self) -> bool:
        """Whether nobody needs its end but who runs it; nobody can come to need it then."""


class SpeculativeLookup(Protocol):
    """Looks that are made in one round trip with the first ones of the tasks, and may make those needless."""

    lookups: Sequence[CacheLookup]
    piggyback: PiggybackCommand | None

    def take(self, results: Sequence[LookupResult]) -> bool:
        """What was found; whether the tasks are wanted all the same. Nothing is asked of anybody when it raises."""
