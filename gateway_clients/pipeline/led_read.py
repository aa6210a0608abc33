"""A read that this request leads, with what the cache has said of it: its entry answers, or it is to be filled."""

from typing import Any, NamedTuple

from msgspec.structs import replace

from gateway_clients.caching.lookups import CacheLookup, LookupResult, LookupStatus
from gateway_clients.pipeline.background import FillTask, refresh, single_flight
from gateway_clients.pipeline.joined_read import JoinedRead
from gateway_clients.pipeline.kept_outcome import kept_outcome
from gateway_clients.pipeline.outcome import Outcome, SectionState
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.revalidation import is_just_expired, renew
from gateway_clients.pipeline.trace import EXPIRED, NEAR, Step
from gateway_clients.resilience.deadline import Deadline


class LedRead(NamedTuple):
    """The read, its lookup and the lookup's result."""

    read: JoinedRead
    lookup: CacheLookup
    result: LookupResult

    def settle_from_cache(self) -> bool:
        """Settles the read if its entry may answer; returns False when an upstream has to be asked.

        An entry that is due to be refreshed, or just past its time, is asked for anew in the background.
        """
        fan_out, read = self.read.fan_out, self.read
        outcome = kept_outcome(read.pending.call, self.result, fan_out.cache)
        if outcome is not None and self.result.status is LookupStatus.HIT:
            self._answer(outcome, NEAR if self.result.is_near else self.result.status)
            if fan_out.cache.is_refresh_due(self.result):
                refresh(read.pending.call, outcome, fan_out.origin, fan_out.cache)
            return True
        if outcome is not None and is_just_expired(self.result) and fan_out.may_show_expired():
            self._answer(replace(outcome, state=SectionState.CACHED), EXPIRED)
            if self.result.token:
                renew(read.pending.call, self.lookup, self.result, fan_out.origin, fan_out.cache)
            return True
        if outcome is not None and not outcome.is_absent:
            read.shared_read.stale = outcome
        return False

    def _answer(self, outcome: Outcome[Any], told: str) -> None:
        """Settles a read, also for its followers, with what was kept."""
        read = self.read
        read.fan_out.origin.trace.note(read.pending.call, Step.LOOKED_UP, told)
        read.pending.settle(outcome)
        single_flight().complete(read.shared_read, outcome)

    def fill(self, deadline: Deadline, pending: PendingCall[Any] | None = None) -> FillTask:
        """Returns the task that asks the upstream by the deadline; it settles `pending` before it stores the answer."""
        return FillTask(
            self.read.pending.call,
            self.read.shared_read,
            self.read.fan_out.origin,
            deadline,
            self.read.fan_out.cache,
            lookup=self.lookup,
            found=self.result,
            pending=pending,
        )
