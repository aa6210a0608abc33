"""Fills of kept reads as jobs: for the request that waits for them, or on their own while it goes on."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import count
from typing import Any

from django.conf import settings

from gateway_clients.caching.store import Cache, invalidations
from gateway_clients.fan_out.pending import PendingCall
from gateway_clients.once import once
from gateway_clients.resilience.bulkhead import Admission
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.upstream.asker import Asker
from gateway_clients.upstream.asking import asked
from gateway_clients.upstream.call import Call
from gateway_clients.upstream.driver import MOST_OF_ONE_REQUEST, run
from gateway_clients.upstream.flights import Flight, Flights
from gateway_clients.upstream.jobs import Job
from gateway_clients.upstream.outcome import Outcome
from gateway_clients.upstream.pipe import kept_read
from gateway_clients.upstream.registry import admission, upstream


@once
def flights() -> Flights:
    """The reads under way in this process; an invalidation of this process voids them."""
    made = Flights()
    invalidations().listen(made.void)
    return made


@once
def pool() -> ThreadPoolExecutor:
    """The threads for fills of requests in a hurry, for writes beside other calls, and for early refreshes."""
    return ThreadPoolExecutor(max_workers=2 * settings.ADMISSION_LIMIT, thread_name_prefix="fan-out")


@once
def reserved_pool() -> ThreadPoolExecutor:
    """The same for requests that have reserved places: reads that are stuck do not keep theirs waiting."""
    return ThreadPoolExecutor(max_workers=2 * settings.ADMISSION_LIMIT, thread_name_prefix="fan-out-reserved")


def submit(jobs: Sequence[Job], cache: Cache, *, is_reserved: bool = False) -> "Future[bool]":
    """Runs jobs on the pool, within this context."""
    threads = reserved_pool() if is_reserved else pool()
    return threads.submit(copy_context().run, run, jobs, cache)


def submit_admitted(jobs: Sequence[Job], cache: Cache, place: Admission, *, is_reserved: bool = False) -> None:
    """The same, for jobs that have this place of their own among those that wait; it is given back at their end."""
    groups = side_by_side(jobs)
    left = count(len(groups) - 1, -1)

    def end(_: "Future[bool]") -> None:
        if next(left) == 0:
            place.leave()

    for group in groups:
        submit(group, cache, is_reserved=is_reserved).add_done_callback(end)


def side_by_side(jobs: Sequence[Job]) -> list[Sequence[Job]]:
    """Jobs in groups, each for one thread: what goes in batches together, the rest apart as far as that is allowed."""
    apart = [job for job in jobs if not job.target.goes_in_batches]
    if not apart:
        return [jobs] if jobs else []
    together = [job for job in jobs if job.target.goes_in_batches]
    groups = [together, *(apart[start::MOST_OF_ONE_REQUEST] for start in range(MOST_OF_ONE_REQUEST))]
    return [group for group in groups if group]


class CallJob:
    """A call whose answer is not kept."""

    __slots__ = ("_pending", "pipe", "target")

    def __init__(self, pending: PendingCall[Any], asker: Asker, deadline: Deadline) -> None:
        self._pending = pending
        self.target = upstream(pending.call.service)
        self.pipe = asked(pending.call, self.target, asker, deadline)

    def succeed(self, outcome: Outcome[Any]) -> None:
        """Settles the call."""
        self._pending.settle(outcome)

    def fail(self, error: BaseException) -> None:
        """Settles the call."""
        self._pending.fail(error)

    def leave(self) -> bool:
        """Nobody else waits for it."""
        return True


class FillJob:
    """A kept read whose end the flight waits for; `pending`, where there is one, hears of the answer at once."""

    __slots__ = ("_asker", "_cache", "_call", "_flight", "_pending", "pipe", "target")

    def __init__(
        self,
        call: Call[Any],
        flight: Flight[Outcome[Any]],
        asker: Asker,
        deadline: Deadline,
        cache: Cache,
        *,
        pending: PendingCall[Any] | None = None,
        is_fresh_wanted: bool = False,
    ) -> None:
        self._call = call
        self._flight = flight
        self._asker = asker
        self._cache = cache
        self._pending = pending
        self.target = upstream(call.service)
        self.pipe = kept_read(
            call, self.target, asker, deadline, cache=cache, listener=self, is_fresh_wanted=is_fresh_wanted
        )

    def succeed(self, outcome: Outcome[Any]) -> None:
        """Lands the flight."""
        flights().land(self._flight, outcome)

    def fail(self, error: BaseException) -> None:
        """Lands the flight."""
        flights().land(self._flight, error=error)

    def leave(self) -> bool:
        """Whether nobody follows the flight."""
        return flights().leave(self._flight)

    def hear_stale(self, outcome: Outcome[Any]) -> None:
        """Keeps it for those who cannot wait for the end."""
        self._flight.stale = outcome

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
        ((flight, is_leader),) = flights().board([(f"{key}!", key.tags)])
        if not is_leader:
            place.leave()
            return
        deadline = Deadline.after(settings.READ_BUDGET_SECONDS)
        job = FillJob(self._call, flight, self._asker, deadline, self._cache, is_fresh_wanted=True)
        submit_admitted([job], self._cache, place)
