"""A cached read of one request that shares the read of identical ones in other requests (single flight)."""

import time
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from gateway_clients.caching.lookups import CacheLookup, LookupStatus
from gateway_clients.errors import (
    DeadlineExceededError,
    GatewayOverloadedError,
    UpstreamBusyError,
    UpstreamUnavailableError,
)
from gateway_clients.pipeline.fan_out import FanOut
from gateway_clients.pipeline.kept_outcome import kept_outcome
from gateway_clients.pipeline.outcome import Outcome, SectionState
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.single_flight import ReadAbandonedError, SharedRead
from gateway_clients.pipeline.upstreams import upstream


@dataclass(eq=False, slots=True)
class JoinedRead:
    """A call of this request, the shared read that it waits for, and whether this request leads it."""

    fan_out: FanOut
    pending: PendingCall[Any]
    shared_read: SharedRead[Outcome[Any]]
    is_leader: bool

    def complete(self, *, is_last: bool) -> bool:
        """Settles the call by its shared read, no later than the deadline.

        Returns False when the call has to be read again, because the shared read was abandoned, failed for its leader
        alone, or is older than a change that this request may know of; never with `is_last`.
        """
        shared_read, pending = self.shared_read, self.pending
        if self.is_leader or shared_read.is_complete:
            is_complete = shared_read.wait(self.fan_out.answer_by)
        else:
            try:
                is_complete = self._follow()
            except (UpstreamBusyError, GatewayOverloadedError) as error:
                if isinstance(error, UpstreamBusyError):
                    self._settle_late()
                if not pending.is_settled or pending.error is not None:
                    pending.fail(error)
                return True
        if not is_complete:
            self._settle_late()
            return True
        if shared_read.error is not None:
            return self._fail(shared_read.error, is_last=is_last)
        outcome = shared_read.result
        assert outcome is not None
        if not (self.is_leader or self._will_do(outcome)):
            return self._fail(ReadAbandonedError(), is_last=is_last)
        if not (self.is_leader and pending.is_settled):
            is_collapsed = not self.is_leader and outcome.state is SectionState.FRESH
            pending.settle(replace(outcome, is_collapsed=True) if is_collapsed else outcome)
            pending.ended_at = shared_read.completed_at
        return True

    def _fail(self, error: BaseException, *, is_last: bool) -> bool:
        if isinstance(error, ReadAbandonedError):
            if not is_last:
                return False
            error = DeadlineExceededError(self.pending.call.service)
        is_passing = isinstance(error, UpstreamUnavailableError | DeadlineExceededError)
        if not self.is_leader and is_passing and not is_last and not self.fan_out.answer_by.has_passed:
            return False
        self.pending.fail(error)
        self.pending.ended_at = self.shared_read.completed_at
        return True

    def _will_do(self, outcome: Outcome[Any]) -> bool:
        """Returns whether another request's outcome was true when this request asked, and may be shown to it.

        If not, a change may have come in between and this request may know of it: it reads again, once, since the next
        leader begins later. Without Redis only changes of this process are known, and one call serves all.
        """
        if outcome.is_expired and not self.fan_out.may_show_expired():
            return False
        if outcome.true_at >= self.pending.started_at:
            return True
        return outcome.is_unwatched and not self.shared_read.is_voided and self.fan_out.cache.is_down

    def _follow(self) -> bool:
        """Waits for another request's read, counted among the followers; returns whether it is complete.

        A wait without an answer counts for the upstream's breaker like a call of this request. Raises as
        `Followers.following` does.
        """
        target, shared_read = upstream(self.pending.call.service), self.shared_read
        began_at = time.monotonic()
        with self.fan_out.place.aside(), target.waiters.following():
            is_complete = shared_read.wait(self.fan_out.answer_by)
        is_in_vain = not is_complete or isinstance(shared_read.error, UpstreamUnavailableError | DeadlineExceededError)
        if is_in_vain or (shared_read.result is not None and shared_read.result.state is SectionState.STALE):
            target.breaker.witness(time.monotonic() - began_at)
        return is_complete

    def _settle_late(self) -> None:
        """Settles the call with the last good answer that the leader found, else with the deadline's error."""
        stale = self._still_stale() if self.shared_read.stale is not None else None
        if stale is not None:
            is_stale = stale.state is SectionState.STALE
            self.pending.settle(replace(stale, error=DeadlineExceededError.code) if is_stale else stale)
        else:
            self.pending.fail(DeadlineExceededError(self.pending.call.service))

    def _still_stale(self) -> Outcome[Any] | None:
        """Looks the last good answer up again; while Redis is down, takes the one found since this request asked."""
        call, shared_read, cache = self.pending.call, self.shared_read, self.fan_out.cache
        assert call.key is not None
        newer_than_ms = -1 if self.fan_out.is_fresh_wanted else 0
        (result,) = cache.read([CacheLookup(key=call.key, newer_than_ms=newer_than_ms)])
        is_down = result.status is LookupStatus.DOWN
        found = shared_read.stale if is_down else kept_outcome(call, result, cache)
        if found is None or found.is_absent or found.true_at < self.pending.started_at:
            return None
        return None if is_down and shared_read.is_voided else found
