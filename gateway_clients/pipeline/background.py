"""Fills of kept reads as tasks: for the request that waits for them, or on their own while it goes on."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import count
from typing import Any

from django.conf import settings

from gateway_clients.caching.store import Cache, invalidations
from gateway_clients.pipeline.attempt import uncached_call
from gateway_clients.pipeline.cached_read import cached_read
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.event_loop import MOST_OF_ONE_REQUEST, run_tasks
from gateway_clients.pipeline.origin import RequestOrigin
from gateway_clients.pipeline.outcome import Outcome
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.single_flight import SharedRead, SingleFlight
from gateway_clients.pipeline.task import Task
from gateway_clients.pipeline.upstreams import admission, upstream
from gateway_clients.resilience.bulkhead import Admission
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.runtime.singletons import process_singleton


@process_singleton
def single_flight() -> SingleFlight:
    """The reads under way in this process; an invalidation of this process voids them."""
    made = SingleFlight()
    invalidations().listen(made.void)
    return made


@process_singleton
def pool() -> ThreadPoolExecutor:
    """The threads for fills of requests in a hurry, for writes beside other calls, and for early refreshes."""
    return ThreadPoolExecutor(max_workers=2 * settings.ADMISSION_LIMIT, thread_name_prefix="fan-out")


@process_singleton
def reserved_pool() -> ThreadPoolExecutor:
    """The same for requests that have reserved places: reads that are stuck do not keep theirs waiting."""
    return ThreadPoolExecutor(max_workers=2 * settings.ADMISSION_LIMIT, thread_name_prefix="fan-out-reserved")


def submit(tasks: Sequence[Task], cache: Cache, *, is_reserved: bool = False) -> "Future[bool]":
    """Runs tasks on the pool, within this context."""
    threads = reserved_pool() if is_reserved else pool()
    return threads.submit(copy_context().run, run_tasks, tasks, cache)


def submit_admitted(tasks: Sequence[Task], cache: Cache, place: Admission, *, is_reserved: bool = False) -> None:
    """The same, for tasks that have this place of their own among those that wait; it is given back at their end."""
    groups = side_by_side(tasks)
    left = count(len(groups) - 1, -1)

    def end(_: "Future[bool]") -> None:
        if next(left) == 0:
            place.leave()

    for group in groups:
        submit(group, cache, is_reserved=is_reserved).add_done_callback(end)


def side_by_side(tasks: Sequence[Task]) -> list[Sequence[Task]]:
    """Tasks in groups, each for one thread: what goes in batches together, the rest apart as far as that is allowed."""
    apart = [task for task in tasks if not task.target.is_multiplexed]
    if not apart:
        return [tasks] if tasks else []
    together = [task for task in tasks if task.target.is_multiplexed]
    groups = [together, *(apart[start::MOST_OF_ONE_REQUEST] for start in range(MOST_OF_ONE_REQUEST))]
    return [group for group in groups if group]


class CallTask:
    """A call whose answer is not kept."""

    __slots__ = ("_pending", "pipeline", "target")

    def __init__(self, pending: PendingCall[Any], origin: RequestOrigin, deadline: Deadline) -> None:
        self._pending = pending
        self.target = upstream(pending.call.service)
        self.pipeline = uncached_call(pending.call, self.target, origin, deadline)

    def succeed(self, outcome: Outcome[Any]) -> None:
        """Settles the call."""
        self._pending.settle(outcome)

    def fail(self, error: BaseException) -> None:
        """Settles the call."""
        self._pending.fail(error)

    def abandon_if_unshared(self) -> bool:
        """Nobody else waits for it."""
        return True


class FillTask:
    """A kept read that completes a shared read; `pending`, where there is one, hears of the answer at once."""

    __slots__ = ("_cache", "_call", "_origin", "_pending", "_shared_read", "pipeline", "target")

    def __init__(
        self,
        call: Call[Any],
        shared_read: SharedRead[Outcome[Any]],
        origin: RequestOrigin,
        deadline: Deadline,
        cache: Cache,
        *,
        pending: PendingCall[Any] | None = None,
        is_fresh_wanted: bool = False,
    ) -> None:
        self._call = call
        self._shared_read = shared_read
        self._origin = origin
        self._cache = cache
        self._pending = pending
        self.target = upstream(call.service)
        self.pipeline = cached_read(
            call, self.target, origin, deadline, cache=cache, listener=self, is_fresh_wanted=is_fresh_wanted
        )

    def succeed(self, outcome: Outcome[Any]) -> None:
        """Completes the shared read."""
        single_flight().complete(self._shared_read, outcome)

    def fail(self, error: BaseException) -> None:
        """Completes the shared read."""
        single_flight().complete(self._shared_read, error=error)

    def abandon_if_unshared(self) -> bool:
        """Whether nobody else waits for the shared read."""
        return single_flight().abandon_if_unshared(self._shared_read)

    def hear_stale(self, outcome: Outcome[Any]) -> None:
        """Keeps it for those who cannot wait for the end."""
        self._shared_read.stale = outcome

    def hear_answer(self, outcome: Outcome[Any]) -> None:
        """Settles the call, so that its request goes on before it is stored."""
        if self._pending is not None:
            self._pending.settle(outcome)

    def hear_early(self) -> None:
        """Fills an entry that is still fresh, out of band, unless somebody is at it or too many wait already."""
        key = self._call.key
        assert key is not None
        place = admission()
        if not place.try_enter():
            return
        ((shared_read, is_leader),) = single_flight().join([(f"{key}!", key.tags)])
        if not is_leader:
            place.leave()
            return
        deadline = Deadline.after(settings.READ_BUDGET_SECONDS)
        task = FillTask(self._call, shared_read, self._origin, deadline, self._cache, is_fresh_wanted=True)
        submit_admitted([task], self._cache, place)
