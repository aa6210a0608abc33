"""Fills of kept reads as jobs: for the request that waits for them, or on their own while it goes on."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.conf import settings

from gateway_clients.caching.store import Cache, invalidations
from gateway_clients.once import once
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.upstream.asker import Asker
from gateway_clients.upstream.call import Call
from gateway_clients.upstream.driver import MOST_OF_ONE_REQUEST, Job, goes_in_batches, run
from gateway_clients.upstream.flights import Flight, Flights
from gateway_clients.upstream.outcome import Outcome
from gateway_clients.upstream.pipe import kept_read
from gateway_clients.upstream.registry import admission


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


def submit(jobs: Sequence[Job], cache: Cache) -> "Future[None]":
    """Runs jobs on the pool, within this context."""
    return pool().submit(copy_context().run, run, jobs, cache)


def submit_admitted(jobs: Sequence[Job], cache: Cache) -> None:
    """The same, for jobs that have a place of their own among those that wait; it is given back at their end."""
    place, groups = admission(), side_by_side(jobs)
    left = count(len(groups) - 1, -1)

    def end(_: "Future[None]") -> None:
        if next(left) == 0:
            place.leave()

    for group in groups:
        submit(group, cache).add_done_callback(end)


def side_by_side(jobs: Sequence[Job]) -> list[Sequence[Job]]:
    """Jobs in groups, each for one thread: what goes in batches together, the rest apart as far as that is allowed."""
    together = [job for job in jobs if goes_in_batches(job.service)]
    apart = [job for job in jobs if not goes_in_batches(job.service)]
    groups = [together, *(apart[start::MOST_OF_ONE_REQUEST] for start in range(MOST_OF_ONE_REQUEST))]
    return [group for group in groups if group]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fills:
    """Makes the jobs that fill kept reads, for one request."""

    asker: Asker
    cache: Cache
    is_fresh_wanted: bool

    def job(
        self,
        call: Call[Any],
        flight: Flight[Outcome[Any]],
        deadline: Deadline,
        on_answer: Callable[[Outcome[Any]], None] = lambda _: None,
    ) -> Job:
        """The job whose end the flight waits for. `on_answer` hears of the answer before it is stored."""

        def keep_stale(outcome: Outcome[Any]) -> None:
            flight.stale = outcome

        pipe = kept_read(
            call,
            self.asker,
            deadline,
            cache=self.cache,
            is_fresh_wanted=self.is_fresh_wanted,
            on_stale=keep_stale,
            on_early=lambda: self._refresh_early(call),
            on_answer=on_answer,
        )
        return _landing(call, flight, pipe)

    def _refresh_early(self, call: Call[Any]) -> None:
        """Fills an entry that is still fresh, out of band, unless somebody is at it or too many wait already."""
        assert call.key is not None
        if not admission().try_enter():
            return
        ((flight, is_leader),) = flights().board([(f"{call.key}!", call.key.tags)])
        if not is_leader:
            admission().leave()
            return
        deadline = Deadline.after(settings.READ_BUDGET_SECONDS)
        pipe = kept_read(call, self.asker, deadline, cache=self.cache, is_fresh_wanted=True)
        submit_admitted([_landing(call, flight, pipe)], self.cache)


def _landing(call: Call[Any], flight: Flight[Outcome[Any]], pipe: Any) -> Job:
    return Job(
        service=call.service,
        pipe=pipe,
        succeed=lambda outcome: flights().land(flight, outcome),
        fail=lambda error: flights().land(flight, error=error),
    )
