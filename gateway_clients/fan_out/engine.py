"""Starts the calls of one request together, shares what others ask already, and waits no longer than the deadline."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from django.conf import settings
from msgspec.structs import replace

from gateway_clients.caching.entries import Found, Look
from gateway_clients.caching.store import Cache, default_cache
from gateway_clients.crew import crew
from gateway_clients.errors import (
    DeadlineExceededError,
    GatewayOverloadedError,
    UpstreamBusyError,
    UpstreamUnavailableError,
)
from gateway_clients.fan_out.fills import CallJob, FillJob, flights, side_by_side, submit, submit_admitted
from gateway_clients.fan_out.pending import PendingCall
from gateway_clients.resilience.bulkhead import Admission
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.upstream.asker import Asker
from gateway_clients.upstream.call import Call
from gateway_clients.upstream.driver import MoreFills, run
from gateway_clients.upstream.flights import Flight
from gateway_clients.upstream.jobs import Ahead, Job
from gateway_clients.upstream.outcome import Outcome, SectionState
from gateway_clients.upstream.pipe import kept_outcome
from gateway_clients.upstream.registry import admission, go_all_in_batches, reserved_admission, upstream

P = TypeVar("P")

#: Seconds kept back of the request's budget, to put the answer together.
ANSWER_RESERVE_SECONDS: Final = 0.05
#: A request with less than this share of a fill's budget left has its fills made by the pool, with their own budget.
OWN_THREAD_SHARE: Final = 0.9
#: How often a read is asked for anew when the one that was shared failed, or was voided meanwhile.
MOST_ROUNDS: Final = 3


@dataclass(eq=False, slots=True)
class _Read:
    """One kept read of this request: the flight that it waits for, and whether this request leads it."""

    pending: PendingCall[Any]
    flight: Flight[Outcome[Any]]
    is_leader: bool


@dataclass(slots=True, kw_only=True)
class FanOut:
    """The calls of one request."""

    asker: Asker
    deadline: Deadline
    is_fresh_wanted: bool = False
    is_reserved: bool = False
    cache: Cache = field(default_factory=default_cache)
    calls: list[PendingCall[Any]] = field(default_factory=list)
    is_held: bool = False
    _waiting: list[PendingCall[Any]] = field(default_factory=list)

    def call(self, call: Call[P], start: Callable[[], None] | None = None) -> PendingCall[P]:
        """Adds a call; it is sent, with the others, at the first wait, which calls `start` (else this fan-out's)."""
        pending = PendingCall(call, start or self.start)
        self.calls.append(pending)
        self._waiting.append(pending)
        return pending

    @property
    def may_look_ahead(self) -> bool:
        """Whether all kept reads that are added now would be run on the request's own thread."""
        return not self._waiting and go_all_in_batches() and not self._is_in_hurry

    @property
    def _is_in_hurry(self) -> bool:
        return self._answer_by.remaining_seconds < OWN_THREAD_SHARE * settings.READ_BUDGET_SECONDS

    def start(self, more_fills: MoreFills = tuple, ahead: Ahead | None = None) -> None:
        """Sends what was added, and waits until all of it is settled or the deadline has passed.

        `more_fills` is stored with the fills of the calls. `ahead` is looked for in the round trip that the calls are
        looked for in, where all of them are kept reads, else before, and may make them needless; they were added while
        `may_look_ahead`. Raises what `ahead` raises.
        """
        waiting, self._waiting = self._waiting, []
        if ahead is not None and not (waiting and all(pending.call.key is not None for pending in waiting)):
            if not self._is_wanted(ahead):
                self._forget(waiting)
                return
            ahead = None
        if not waiting:
            return
        started_at = time.monotonic()
        for pending in waiting:
            pending.started_at = started_at
        place = self._place
        if not place.try_enter():
            self._peek(waiting, ahead)
            return
        try:
            self._settle(waiting, more_fills, ahead)
        finally:
            place.leave()

    @property
    def _place(self) -> Admission:
        return reserved_admission() if self.is_reserved else admission()

    @property
    def _answer_by(self) -> Deadline:
        return self.deadline.earlier_by(ANSWER_RESERVE_SECONDS)

    def _is_wanted(self, ahead: Ahead) -> bool:
        """Looks ahead in a round trip of its own."""
        return ahead.take(self.cache.read(ahead.looks, ahead.rider))

    def _peek(self, waiting: Sequence[PendingCall[Any]], ahead: Ahead | None) -> None:
        """Too many wait already: fresh entries answer, whatever would have to be asked for is shed."""
        if ahead is not None and not self._is_wanted(ahead):
            self._forget(waiting)
            return
        for pending in waiting:
            pending.fail(GatewayOverloadedError())
        kept = [pending for pending in waiting if pending.call.key is not None and not self.is_fresh_wanted]
        if kept:
            readings = self.cache.read([Look(key=pending.call.key) for pending in kept if pending.call.key is not None])
            for pending, reading in zip(kept, readings, strict=True):
                outcome = kept_outcome(pending.call, reading, self.cache)
                if reading.found is Found.FRESH and outcome is not None:
                    pending.settle(outcome)

    def _forget(self, needless: Sequence[PendingCall[Any]]) -> None:
        self.calls = [pending for pending in self.calls if pending not in needless]

    def _settle(self, waiting: Sequence[PendingCall[Any]], more_fills: MoreFills, ahead: Ahead | None) -> None:
        alone = [pending for pending in waiting if pending.call.key is None]
        left = [pending for pending in waiting if pending.call.key is not None]
        for round_number in range(1, MOST_ROUNDS + 1):
            reads = self._board(left)
            try:
                is_wanted = self._run(reads, alone, more_fills, ahead)
            except BaseException as error:
                _land_all(reads, error)
                raise
            if not is_wanted:
                self._forget(waiting)
                return
            alone, ahead = [], None
            left = [read.pending for read in reads if not self._land(read, is_last=round_number == MOST_ROUNDS)]
            if not left:
                return

    def _board(self, pendings: Sequence[PendingCall[Any]]) -> list[_Read]:
        """Joins the reads under way, and leads those that nobody has asked for yet."""
        mark = "!" if self.is_fresh_wanted else ""
        wanted = [(key.name + mark, key.tags) for pending in pendings if (key := pending.call.key) is not None]
        boarded = flights().board(wanted)
        return [
            _Read(pending, flight, is_leader) for pending, (flight, is_leader) in zip(pendings, boarded, strict=True)
        ]

    def _run(
        self, reads: Sequence[_Read], alone: Sequence[PendingCall[Any]], more_fills: MoreFills, ahead: Ahead | None
    ) -> bool:
        """Own calls on this thread. Fills too, unless the request is in a hurry: then the pool makes them, with a
        budget of their own and a place of their own among those that wait on upstreams, as long as there is one.

        False: the calls are needless.
        """
        led = [read for read in reads if read.is_leader]
        goes_on_alone = bool(led) and ahead is None and self._is_in_hurry and self._place.try_enter()
        if goes_on_alone:
            fill_by = Deadline.after(settings.READ_BUDGET_SECONDS)
            fills = [self._fill(read, fill_by, None) for read in led]
            submit_admitted(fills, self.cache, self._place, is_reserved=self.is_reserved)
            led = []
        fill_by = self._answer_by.sooner(settings.READ_BUDGET_SECONDS)
        own: list[Job] = [self._fill(read, fill_by, read.pending) for read in led]
        own += [self._job(pending) for pending in alone if pending.call.is_repeatable]
        writes = [self._job(pending) for pending in alone if not pending.call.is_repeatable]
        if ahead is not None and not own:
            return self._is_wanted(ahead)
        here, *beside = [*side_by_side(own), *([write] for write in writes)] or [[]]
        futures = [(submit(jobs, self.cache, is_reserved=self.is_reserved), jobs) for jobs in beside]
        is_wanted = run(here, self.cache, more_fills, ahead)
        for future, jobs in futures:
            self._wait(future, jobs)
        return is_wanted

    def _wait(self, future: "Future[bool]", jobs: Sequence[Job]) -> None:
        """Waits for jobs on the pool; those that it did not come to in time are not begun any more."""
        try:
            with crew().away():
                future.result(self._answer_by.remaining_seconds)
        except TimeoutError:
            if not future.cancel():
                # They are at it, and end at their own deadline.
                with crew().away():
                    future.result()
                return
            for job in jobs:
                job.fail(DeadlineExceededError(job.target.conf.name))

    def _fill(self, read: _Read, deadline: Deadline, pending: PendingCall[Any] | None) -> Job:
        return FillJob(
            read.pending.call,
            read.flight,
            self.asker,
            deadline,
            self.cache,
            pending=pending,
            is_fresh_wanted=self.is_fresh_wanted,
        )

    def _job(self, pending: PendingCall[Any]) -> Job:
        return CallJob(pending, self.asker, self._answer_by)

    def _land(self, read: _Read, *, is_last: bool) -> bool:
        """Settles a read by its flight, no later than the deadline; False: it is to be asked for anew."""
        flight, pending = read.flight, read.pending
        is_anothers = not read.is_leader
        if is_anothers and not flight.is_landed:
            try:
                has_landed = self._follow(read)
            except (UpstreamBusyError, GatewayOverloadedError) as error:
                if isinstance(error, UpstreamBusyError):
                    self._settle_late(pending, flight)
                if not pending.is_settled or pending.error is not None:
                    pending.fail(error)
                return True
        else:
            has_landed = flight.wait(self._answer_by)
        if not has_landed:
            self._settle_late(pending, flight)
            return True
        if flight.error is not None:
            is_passing = isinstance(flight.error, UpstreamUnavailableError | DeadlineExceededError)
            if is_anothers and is_passing and not is_last and not self._answer_by.has_passed:
                return False
            pending.fail(flight.error)
            pending.ended_at = flight.landed_at
            return True
        outcome = flight.result
        assert outcome is not None
        if is_anothers and not self._will_do(outcome, flight, pending):
            return False
        if is_anothers or not pending.is_settled:
            is_collapsed = is_anothers and outcome.state is SectionState.FRESH
            pending.settle(replace(outcome, is_collapsed=True) if is_collapsed else outcome)
            pending.ended_at = flight.landed_at
        return True

    def _will_do(self, outcome: Outcome[Any], flight: Flight[Outcome[Any]], pending: PendingCall[Any]) -> bool:
        """Whether what another request has found was true when this one asked.

        Else something may have changed in between, and this one been told so: it asks anew, once, since whoever leads
        then begins later. Without Redis nobody could say so but this process, and one call goes on standing for all.
        """
        if outcome.true_at >= pending.started_at:
            return True
        return outcome.is_unwatched and not flight.is_voided and self.cache.is_down

    def _follow(self, read: _Read) -> bool:
        """Waits for another's flight, in a place of those who follow; whether it has landed.

        What it waited in vain tells its breaker as much as a call of its own. Raises as `Followers.following` does.
        """
        target, flight = upstream(read.pending.call.service), read.flight
        began_at = time.monotonic()
        with self._place.aside(), target.followers.following():
            has_landed = flight.wait(self._answer_by)
        is_in_vain = not has_landed or isinstance(flight.error, UpstreamUnavailableError | DeadlineExceededError)
        if is_in_vain or (flight.result is not None and flight.result.state is SectionState.STALE):
            target.breaker.witness(time.monotonic() - began_at)
        return has_landed

    def _settle_late(self, pending: PendingCall[Any], flight: Flight[Outcome[Any]]) -> None:
        """The time is over: the last good answer, if the one who asks has found one and it was not dropped since."""
        stale = self._still_stale(pending, flight) if flight.stale is not None else None
        if stale is not None:
            is_stale = stale.state is SectionState.STALE
            pending.settle(replace(stale, error=DeadlineExceededError.code) if is_stale else stale)
        else:
            pending.fail(DeadlineExceededError(pending.call.service))

    def _still_stale(self, pending: PendingCall[Any], flight: Flight[Outcome[Any]]) -> Outcome[Any] | None:
        """Looks it up once more; while Redis is down, what was found since this request asked."""
        assert pending.call.key is not None
        newer_than_ms = -1 if self.is_fresh_wanted else 0
        (reading,) = self.cache.read([Look(key=pending.call.key, newer_than_ms=newer_than_ms)])
        found = flight.stale if reading.found is Found.DOWN else kept_outcome(pending.call, reading, self.cache)
        if found is None or found.is_absent or found.true_at < pending.started_at:
            return None
        return None if reading.found is Found.DOWN and flight.is_voided else found


def _land_all(reads: Sequence[_Read], error: BaseException) -> None:
    """Ends the flights that nobody will end any more, so that nobody waits for them."""
    for read in reads:
        if read.is_leader:
            flights().land(read.flight, error=error)
