"""Fills of cached reads as tasks: for the request that waits for them, or in the background while it goes on."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from inspect import GEN_CREATED, getgeneratorstate
from typing import Any

from django.conf import settings
from msgspec.structs import replace

from gateway_clients.caching.lookups import CacheLookup, LookupResult
from gateway_clients.caching.store import Cache, invalidations
from gateway_clients.errors import GatewayOverloadedError
from gateway_clients.pipeline import stack
from gateway_clients.pipeline.cached_read import lookup_for
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.event_loop import run_tasks
from gateway_clients.pipeline.origin import RequestOrigin
from gateway_clients.pipeline.outcome import Outcome, SectionState
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.single_flight import SharedRead, SingleFlight
from gateway_clients.pipeline.upstreams import admission, upstream
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.runtime.singletons import process_singleton
from gateway_clients.runtime.thread_pools import submit


@process_singleton
def single_flight() -> SingleFlight:
    """Returns the reads under way in this process, which its invalidations void."""
    made = SingleFlight()
    invalidations().listen(made.void)
    return made


@process_singleton
def pool() -> ThreadPoolExecutor:
    """Returns the threads for fills of requests that are short of time, and for early refreshes."""
    return ThreadPoolExecutor(max_workers=2 * settings.ADMISSION_LIMIT, thread_name_prefix="fan-out")


@process_singleton
def reserved_pool() -> ThreadPoolExecutor:
    """Returns the threads for requests with reserved places, so that stuck reads do not keep them waiting."""
    return ThreadPoolExecutor(max_workers=2 * settings.ADMISSION_LIMIT, thread_name_prefix="fan-out-reserved")


class CallTask:
    """A call whose answer is not cached."""

    __slots__ = ("_pending", "pipeline", "target")

    def __init__(self, pending: PendingCall[Any], origin: RequestOrigin, deadline: Deadline) -> None:
        self._pending = pending
        self.target = upstream(pending.call.service)
        self.pipeline = stack.uncached(pending.call, self.target, origin, deadline)

    def answer(self, outcome: Outcome[Any]) -> None:
        """Settles the call."""
        self._pending.settle(outcome)

    def succeed(self, outcome: Outcome[Any]) -> None:
        """Settles the call."""
        self._pending.settle(outcome)

    def fail(self, error: BaseException) -> None:
        """Settles the call."""
        self._pending.fail(error)

    def close(self) -> None:
        """Ends the pipeline."""
        self.pipeline.close()


class FillTask:
    """A cached read that completes a shared read.

    `pending`, if there is one, is settled with the answer before the answer is stored. `found` is the result of the
    lookup, if it was made already.
    """

    __slots__ = ("_cache", "_found", "_pending", "_shared_read", "pipeline", "target")

    def __init__(
        self,
        call: Call[Any],
        shared_read: SharedRead[Outcome[Any]],
        origin: RequestOrigin,
        deadline: Deadline,
        cache: Cache,
        *,
        lookup: CacheLookup,
        found: LookupResult | None = None,
        pending: PendingCall[Any] | None = None,
    ) -> None:
        self._shared_read = shared_read
        self._cache = cache
        self._found = found
        self._pending = pending
        self.target = upstream(call.service)
        self.pipeline = stack.read(call, self.target, origin, deadline, cache=cache, lookup=lookup, found=found)

    def answer(self, outcome: Outcome[Any]) -> None:
        """Settles the call."""
        if self._pending is not None:
            self._pending.settle(outcome)

    def succeed(self, outcome: Outcome[Any]) -> None:
        """Completes the shared read, and settles the call if that was not done."""
        if self._pending is not None and not self._pending.is_settled:
            self._pending.settle(outcome)
        single_flight().complete(self._shared_read, outcome)

    def fail(self, error: BaseException) -> None:
        """Completes the shared read."""
        single_flight().complete(self._shared_read, error=error)

    def close(self) -> None:
        """Ends the pipeline, and gives the lease back that was found if the pipeline has not begun to look after it."""
        if self._found is not None and getgeneratorstate(self.pipeline) == GEN_CREATED:
            self._cache.release([self._found])
        self.pipeline.close()


def submit_admitted(
    fills: Sequence[FillTask], cache: Cache, leave: Callable[[], object], *, is_reserved: bool = False
) -> None:
    """Runs fills on the pool, in a copy of the present context.

    `leave` gives back at their end what was taken for them, such as a place among the requests that wait on upstreams.
    The fills fail as shed, and their leases are given back, where the process may have no more threads.
    """
    threads = reserved_pool() if is_reserved else pool()
    running = submit(threads, partial(copy_context().run, run_tasks, fills, cache))
    if running is not None:
        running.add_done_callback(lambda _: leave())
        return
    leave()
    for fill in fills:
        fill.close()
        fill.fail(GatewayOverloadedError())


def refresh(call: Call[Any], kept: Outcome[Any], origin: RequestOrigin, cache: Cache) -> None:
    """Refreshes an entry on the pool before it expires for all its readers at once.

    Does nothing while the entry is being filled already, or while too many requests wait.
    """
    key = call.key
    assert key is not None
    place = admission()
    if not place.try_enter():
        return
    ((shared_read, is_leader),) = single_flight().join([(f"{key}!", key.tags)])
    if not is_leader:
        place.leave()
        return
    shared_read.stale = replace(kept, state=SectionState.STALE)
    budget_seconds = settings.READ_BUDGET_SECONDS
    lookup = lookup_for(key, budget_seconds, is_fresh_wanted=True)
    task = FillTask(call, shared_read, origin, Deadline.after(budget_seconds), cache, lookup=lookup)
    submit_admitted([task], cache, place.leave)
