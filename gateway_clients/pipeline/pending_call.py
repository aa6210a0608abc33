"""A call whose outcome is known, or will be after the first wait for any call of its request."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from gateway_clients.conf import upstream_conf
from gateway_clients.errors import GatewayError, UpstreamNotFoundError
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.outcome import Freshness, Outcome, SectionState
from gateway_clients.pipeline.pending_value import PendingValue
from gateway_clients.pipeline.section import Section, section_of
from gateway_clients.resilience.deadline import Deadline

P = TypeVar("P")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class CallTiming:
    """The duration of a call in milliseconds, and its outcome: a section's state or an error's code.

    `planned_ms` is the longest it might have taken, `left_ms` the rest of the request's budget at its end.
    """

    service: str
    operation: str
    milliseconds: float
    state: str
    planned_ms: float | None = None
    left_ms: float | None = None


def _no_op() -> None:
    """Replaces `start` of a settled call, so that the call no longer refers to its request."""


class PendingCall(PendingValue[P]):
    """The outcome of one call. `start` sends all calls of the request that were not sent, and settles them."""

    __slots__ = ("_outcome", "_start", "call", "ended_at", "error", "started_at")

    def __init__(self, call: Call[P], start: Callable[[], None]) -> None:
        self.call = call
        self._start = start
        self._outcome: Outcome[P] | None = None
        self.error: BaseException | None = None
        self.started_at = 0.0
        self.ended_at = 0.0

    def timing_by(self, deadline: Deadline) -> CallTiming:
        """Returns the call's timing within a request that has this deadline."""
        seconds_left = deadline.at - self.started_at
        return CallTiming(
            self.call.service,
            self.call.operation,
            max(0.0, self.ended_at - self.started_at) * 1000,
            self.freshness.state,
            planned_ms=max(0.0, min(upstream_conf(self.call.service).timeout_seconds, seconds_left)) * 1000,
            left_ms=max(0.0, deadline.at - self.ended_at) * 1000,
        )

    @property
    def trouble(self) -> str:
        """Why the call is not whole: an error's code, `stale`, `drifted` or `omitted`; "" for a whole one."""
        if self._outcome is None:
            is_absent = isinstance(self.error, UpstreamNotFoundError)
            return "" if self.error is None or is_absent else str(getattr(self.error, "code", "internal_error"))
        if not self._outcome.state.is_complete:
            return self._outcome.state
        return "drifted" if self._outcome.drifted else "omitted" if self._outcome.omitted else ""

    @property
    def came_to(self) -> Outcome[P] | None:
        """The outcome; None before it is known, and for a call that failed."""
        return self._outcome

    @property
    def freshness(self) -> Freshness:
        """The part that the cache had in it; for a failed call its error's code."""
        if self._outcome is not None:
            return self._outcome.freshness
        return Freshness(str(getattr(self.error, "code", "internal_error")))

    @property
    def true_at(self) -> float:
        """The monotonic time in seconds at which the outcome, or the error, was true: no earlier change is missing."""
        return self._outcome.true_at if self._outcome is not None else self.started_at

    @property
    def is_settled(self) -> bool:
        """Whether the call has an outcome or an error."""
        return self._outcome is not None or self.error is not None

    def settle(self, outcome: Outcome[P]) -> None:
        """Ends the call with an outcome; a 404 becomes an error in `require`."""
        self._outcome, self.error, self._start = outcome, None, _no_op
        self.ended_at = time.monotonic()

    def fail(self, error: BaseException) -> None:
        """Ends the call with an error."""
        self._outcome, self.error, self._start = None, error, _no_op
        self.ended_at = time.monotonic()

    def outcome(self) -> Outcome[P]:
        """Waits for the outcome. Raises an UpstreamError or GatewayOverloadedError without even a stale answer."""
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

    def advance(self) -> P:
        """Waits for the payload, as `require` does."""
        return self.outcome().value

    def section(self, transform: Callable[[P], V], *, fallback: Callable[[], V] | None = None) -> Section[V]:
        """Waits for a section that a view can do without.

        A 404 is `fresh` with None; another failure, also a call that was shed, is `fallback` or `unavailable`.
        """
        try:
            outcome = self._settled()
        except UpstreamNotFoundError:
            return Section(None, SectionState.FRESH)
        except GatewayError as error:
            if fallback is not None:
                return Section(fallback(), SectionState.FALLBACK, error=error.code)
            return Section(None, SectionState.UNAVAILABLE, error=error.code)
        value = None if outcome.is_absent else transform(outcome.value)
        return section_of(outcome, value)
