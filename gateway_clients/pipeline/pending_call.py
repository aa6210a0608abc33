"""A call that was started, or will be at the first wait for any call of the same request."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway_clients.errors import GatewayError, GatewayOverloadedError, UpstreamNotFoundError
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.outcome import Freshness, Outcome, SectionState
from gateway_clients.pipeline.section import Section, section_of

P = TypeVar("P")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class CallTiming:
    """How long a call took, in milliseconds, and what it came to: a section's state or an error's code."""

    service: str
    operation: str
    milliseconds: float
    state: str


def _no_op() -> None:
    """What a settled call starts: it lets go of its request, which holds it."""


class PendingCall(Generic[P]):
    """One call's outcome. `start` starts all calls of the request that were not started, and settles them."""

    __slots__ = ("_outcome", "_start", "call", "ended_at", "error", "started_at")

    def __init__(self, call: Call[P], start: Callable[[], None]) -> None:
        self.call = call
        self._start = start
        self._outcome: Outcome[P] | None = None
        self.error: BaseException | None = None
        self.started_at = 0.0
        self.ended_at = 0.0

    @property
    def timing(self) -> CallTiming:
        """How long it took."""
        milliseconds = max(0.0, self.ended_at - self.started_at) * 1000
        return CallTiming(self.call.service, self.call.operation, milliseconds, self.freshness.state)

    @property
    def freshness(self) -> Freshness:
        """How it came about; of one that failed its error's code."""
        if self._outcome is not None:
            return self._outcome.freshness
        return Freshness(str(getattr(self.error, "code", "internal_error")))

    @property
    def true_at(self) -> float:
        """A monotonic moment after which the outcome, or the error, was found true: no earlier change is missing."""
        return self._outcome.true_at if self._outcome is not None else self.started_at

    @property
    def is_settled(self) -> bool:
        """Whether it has ended."""
        return self._outcome is not None or self.error is not None

    def settle(self, outcome: Outcome[P]) -> None:
        """It has ended with this; a 404 is an error to whoever requires it."""
        self._outcome, self.error, self._start = outcome, None, _no_op
        self.ended_at = time.monotonic()

    def fail(self, error: BaseException) -> None:
        """It has ended with this error."""
        self._outcome, self.error, self._start = None, error, _no_op
        self.ended_at = time.monotonic()

    def outcome(self) -> Outcome[P]:
        """Waits. Raises an UpstreamError, or GatewayOverloadedError, when there is no answer and no stale one."""
        outcome = self._settled()
        if outcome.is_absent:
            raise UpstreamNotFoundError(self.call.service, upstream_status=404)
        return outcome

    def _settled(self) -> Outcome[P]:
        if not self.is_settled:
            self._start()
        if self.error is not None:
            raise self.error
        assert self._outcome is not None
        return self._outcome

    def require(self) -> P:
        """Waits for the payload; the view fails without it. Raises as `outcome` does."""
        return self.outcome().value

    def section(self, transform: Callable[[P], V], *, fallback: Callable[[], V] | None = None) -> Section[V]:
        """Waits; the view shows without it. A 404 is `fresh` with None; another failure is `fallback` or `unavailable`.

        Raises GatewayOverloadedError only: a request that was shed has no sections.
        """
        try:
            outcome = self._settled()
        except GatewayOverloadedError:
            raise
        except UpstreamNotFoundError:
            return Section(None, SectionState.FRESH)
        except GatewayError as error:
            if fallback is not None:
                return Section(fallback(), SectionState.FALLBACK, error=error.code)
            return Section(None, SectionState.UNAVAILABLE, error=error.code)
        value = None if outcome.is_absent else transform(outcome.value)
        return section_of(outcome, value)
