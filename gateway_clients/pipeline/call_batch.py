"""The calls of one request that are sent together, in four phases.

    with CallBatch(fan_out) as batch:     # plan: joins the reads under way, and says what to look up
        batch.look_up(results)            # hits answer; misses hold a lease
        batch.ask()                       # the upstreams, side by side
        batch.store(writes)               # the fills, with what else is to be stored
        batch.finish()                    # waits for the reads of others, and reads anew where it must

It never raises for a call's failure; every call is settled when it has finished.
"""

import time
from collections.abc import Sequence
from typing import Any, Final, Self

from django.conf import settings

from gateway_clients.caching.lookups import CacheLookup, CacheWrite, LookupResult, LookupStatus
from gateway_clients.errors import GatewayOverloadedError
from gateway_clients.pipeline.background import CallTask, single_flight, submit_admitted
from gateway_clients.pipeline.cached_read import lookup_for
from gateway_clients.pipeline.event_loop import EventLoop
from gateway_clients.pipeline.fan_out import FanOut
from gateway_clients.pipeline.joined_read import JoinedRead
from gateway_clients.pipeline.kept_outcome import kept_outcome
from gateway_clients.pipeline.led_read import LedRead
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.single_flight import ReadAbandonedError
from gateway_clients.pipeline.task import Task
from gateway_clients.resilience.deadline import Deadline

#: How often a read is repeated when the shared one failed or was voided.
MOST_ROUNDS: Final = 3


class CallBatch:
    """Calls that are sent together.

    `lookups` are sent by the caller, who hands the results to `look_up`. A batch that has no place among those that
    wait on upstreams is shed: fresh entries answer its reads, and no upstream is called.
    """

    def __init__(self, fan_out: FanOut) -> None:
        self._fan_out = fan_out
        self._calls = fan_out.take_waiting()
        self._place = fan_out.place
        self._has_place = False
        self._is_in_hurry = fan_out.is_in_hurry
        self._shed: list[PendingCall[Any]] = []
        self._reads: list[JoinedRead] = []
        self._uncached: list[PendingCall[Any]] = []
        self._misses: list[LedRead] = []
        self._loop: EventLoop | None = None
        self.lookups: Sequence[CacheLookup] = ()

    def __enter__(self) -> Self:
        started_at = time.monotonic()
        for pending in self._calls:
            pending.started_at = started_at
        self._has_place = bool(self._calls) and not self._fan_out.is_crowded and self._place.try_enter()
        try:
            self._plan()
        except BaseException as error:
            self._end(error)
            raise
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._end(error)

    def _end(self, error: BaseException | None) -> None:
        """Frees the place and the event loop; after an error the reads it leads fail for their followers too.

        The leases go back of what was found to be missing and never came to the event loop.
        """
        if error is not None:
            self._end_reads(error)
            self._fan_out.cache.release([miss.result for miss in self._misses])
        if self._loop is not None:
            self._loop.close()
        if self._has_place:
            self._place.leave()

    def _end_reads(self, error: BaseException) -> None:
        for read in self._reads:
            if read.is_leader:
                single_flight().complete(read.shared_read, error=error)

    def _plan(self) -> None:
        kept = [pending for pending in self._calls if pending.call.key is not None]
        if self._has_place:
            self._uncached = [pending for pending in self._calls if pending.call.key is None]
            self._join(kept)
            return
        for pending in self._calls:
            pending.fail(GatewayOverloadedError())
        self._shed = [] if self._fan_out.is_fresh_wanted else kept
        self.lookups = [CacheLookup(key=pending.call.key) for pending in self._shed if pending.call.key is not None]

    def _join(self, pendings: Sequence[PendingCall[Any]]) -> None:
        """Joins reads that are under way, and leads the others."""
        fan_out = self._fan_out
        keys = [key for pending in pendings if (key := pending.call.key) is not None]
        mark = "!" if fan_out.is_fresh_wanted else ""
        joined = single_flight().join([(key.name + mark, key.tags) for key in keys])
        self._reads = [JoinedRead(fan_out, pending, *each) for pending, each in zip(pendings, joined, strict=True)]
        budget_seconds: float = settings.READ_BUDGET_SECONDS
        if not self._is_in_hurry:
            budget_seconds = min(budget_seconds, fan_out.answer_by.remaining_seconds)
        self.lookups = [
            lookup_for(key, budget_seconds, is_fresh_wanted=fan_out.is_fresh_wanted)
            for key, read in zip(keys, self._reads, strict=True)
            if read.is_leader
        ]

    def abandon(self, results: Sequence[LookupResult]) -> None:
        """Drops the calls, which turned out to be needless; their followers read again."""
        self._fan_out.cache.release(results)
        self._end_reads(ReadAbandonedError())
        self._fan_out.forget(self._calls)
        self._reads, self._uncached, self._shed = [], [], []

    def look_up(self, results: Sequence[LookupResult]) -> None:
        """Takes the results of `lookups`: hits settle their calls, the others are left for `ask`."""
        fan_out = self._fan_out
        for pending, result in zip(self._shed, results, strict=False):
            outcome = kept_outcome(pending.call, result, fan_out.cache)
            if outcome is not None and result.status is LookupStatus.HIT:
                pending.settle(outcome)
        led = [read for read in self._reads if read.is_leader]
        self._misses = list(map(LedRead, led, self.lookups, results))
        self._misses = [read for read in self._misses if not read.settle_from_cache()]

    def ask(self) -> None:
        """Calls the upstreams and waits until each call has its answer.

        Fills of a request that is short of time run in the background, if there is a place for them among those that
        wait on upstreams.
        """
        fan_out = self._fan_out
        misses = self._misses
        uncached, self._uncached = self._uncached, []
        if misses and self._is_in_hurry and self._place.try_enter():
            fill_by = Deadline.after(settings.READ_BUDGET_SECONDS)
            fills = [miss.fill(fill_by) for miss in misses]
            submit_admitted(fills, fan_out.cache, self._place.leave, is_reserved=fan_out.is_reserved)
            misses = self._misses = []
        fill_by = fan_out.answer_by.sooner(settings.READ_BUDGET_SECONDS)
        own: list[Task] = [miss.fill(fill_by, miss.read.pending) for miss in misses]
        own += [CallTask(pending, fan_out.origin, fan_out.answer_by) for pending in uncached]
        if own:
            self._loop = EventLoop(own, fan_out.cache)
            self._misses = []
            self._loop.ask()

    def store(self, writes: Sequence[CacheWrite] = ()) -> None:
        """Stores the answers, and `writes` in the same round trip."""
        loop, self._loop = self._loop, None
        if loop is None:
            self._fan_out.cache.store(writes)
            return
        with loop:
            loop.store(writes)

    def finish(self) -> None:
        """Settles the reads by their shared reads, and reads again where another request's read failed."""
        for rounds_left in reversed(range(MOST_ROUNDS)):
            left = [read.pending for read in self._reads if not read.complete(is_last=not rounds_left)]
            if not left:
                return
            self._join(left)
            self.look_up(self._fan_out.cache.read(self.lookups))
            self.ask()
            self.store()
