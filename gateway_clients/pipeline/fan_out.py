"""Starts the calls of one request together, shares what others ask already, and waits no longer than the deadline."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from django.conf import settings
from msgspec.structs import replace

from gateway_clients.caching.lookups import CacheLookup, LookupStatus
from gateway_clients.caching.store import Cache, default_cache
from gateway_clients.errors import (
    DeadlineExceededError,
    GatewayOverloadedError,
    UpstreamBusyError,
    UpstreamUnavailableError,
)
from gateway_clients.pipeline.background import CallTask, FillTask, side_by_side, single_flight, submit, submit_admitted
from gateway_clients.pipeline.cached_read import cached_outcome
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.event_loop import MoreWrites, run_tasks
from gateway_clients.pipeline.origin import RequestOrigin
from gateway_clients.pipeline.outcome import Outcome, SectionState
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.single_flight import SharedRead
from gateway_clients.pipeline.task import SpeculativeLookup, Task
from gateway_clients.pipeline.upstreams import admission, multiplex_all, reserved_admission, upstream
from gateway_clients.resilience.bulkhead import Admission
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.runtime.thread_gate import thread_gate

P = TypeVar("P")

#: Seconds kept back of the request's budget, to put the answer together.
ANSWER_RESERVE_SECONDS: Final = 0.05
#: A request with less than this share of a fill's budget left has its fills made by the pool, with their own budget.
OWN_THREAD_SHARE: Final = 0.9
#: How often a read is asked for anew when the one that was shared failed, or was voided meanwhile.
MOST_ROUNDS: Final = 3


@dataclass(eq=False, slots=True)
class _Read:
    """One kept read of this request: the shared read that it waits for, and whether this request leads it."""

    pending: PendingCall[Any]
    shared_read: SharedRead[Outcome[Any]]
    is_leader: bool


@dataclass(slots=True, kw_only=True)
class FanOut:
    """The calls of one request."""

    origin: RequestOrigin
    deadline: Deadline
    is_fresh_wanted: bool = False
    is_reserved: bool = False
    is_crowded: bool = False
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
    def may_speculate(self) -> bool:
        """Whether all kept reads that are added now would be run on the request's own thread."""
        return not self._waiting and multiplex_all() and not self._is_in_hurry

    @property
    def _is_in_hurry(self) -> bool:
        return self._answer_by.remaining_seconds < OWN_THREAD_SHARE * settings.READ_BUDGET_SECONDS

    def start(self, more_writes: MoreWrites = tuple, speculation: SpeculativeLookup | None = None) -> None:
        """Sends what was added, and waits until all of it is settled or the deadline has passed.

        `more_writes` is stored with the fills of the calls. `speculation` is looked for in the round trip that the
        calls are looked for in, where all of them are kept reads, else before, and may make them needless; they were
        added while `may_speculate`. Raises what `speculation` raises.
        """
        waiting, self._waiting = self._waiting, []
        if speculation is not None and not (waiting and all(pending.call.key is not None for pending in waiting)):
            if not self._is_wanted(speculation):
                self._forget(waiting)
                return
            speculation = None
        if not waiting:
            return
        started_at = time.monotonic()
        for pending in waiting:
            pending.started_at = started_at
        place = self._place
        if self.is_crowded or not place.try_enter():
            self._peek(waiting, speculation)
            return
        try:
            self._settle(waiting, more_writes, speculation)
        finally:
            place.leave()

    @property
    def _place(self) -> Admission:
        return reserved_admission() if self.is_reserved else admission()

    @property
    def _answer_by(self) -> Deadline:
        return self.deadline.earlier_by(ANSWER_RESERVE_SECONDS)

    def _is_wanted(self, speculation: SpeculativeLookup) -> bool:
        """Looks ahead in a round trip of its own."""
        return speculation.take(self.cache.read(speculation.lookups, speculation.piggyback))

    def _peek(self, waiting: Sequence[PendingCall[Any]], speculation: SpeculativeLookup | None) -> None:
        """Too many wait already: fresh entries answer, whatever would have to be asked for is shed."""
        if speculation is not None and not self._is_wanted(speculation):
            self._forget(waiting)
            return
        for pending in waiting:
            pending.fail(GatewayOverloadedError())
        kept = [pending for pending in waiting if pending.call.key is not None and not self.is_fresh_wanted]
        if kept:
            results = self.cache.read(
                [CacheLookup(key=pending.call.key) for pending in kept if pending.call.key is not None]
            )
            for pending, result in zip(kept, results, strict=True):
                outcome = cached_outcome(pending.call, result, self.cache)
                if result.status is LookupStatus.HIT and outcome is not None:
                    pending.settle(outcome)

    def _forget(self, needless: Sequence[PendingCall[Any]]) -> None:
        self.calls = [pending for pending in self.calls if pending not in needless]

    def _settle(
        self, waiting: Sequence[PendingCall[Any]], more_writes: MoreWrites, speculation: SpeculativeLookup | None
    ) -> None:
        alone = [pending for pending in waiting if pending.call.key is None]
        left = [pending for pending in waiting if pending.call.key is not None]
        for round_number in range(1, MOST_ROUNDS + 1):
            reads = self._join(left)
            try:
                is_wanted = self._run(reads, alone, more_writes, speculation)
            except BaseException as error:
                _complete_all(reads, error)
                raise
            if not is_wanted:
                self._forget(waiting)
                return
            alone, speculation = [], None
            left = [read.pending for read in reads if not self._complete(read, is_last=round_number == MOST_ROUNDS)]
            if not left:
                return

    def _join(self, pendings: Sequence[PendingCall[Any]]) -> list[_Read]:
        """Joins the reads under way, and leads those that nobody has asked for yet."""
        mark = "!" if self.is_fresh_wanted else ""
        wanted = [(key.name + mark, key.tags) for pending in pendings if (key := pending.call.key) is not None]
        boarded = single_flight().join(wanted)
        return [
            _Read(pending, shared_read, is_leader)
            for pending, (shared_read, is_leader) in zip(pendings, boarded, strict=True)
        ]

    def _run(
        self,
        reads: Sequence[_Read],
        alone: Sequence[PendingCall[Any]],
        more_writes: MoreWrites,
        speculation: SpeculativeLookup | None,
    ) -> bool:
        """Own calls on this thread. Fills too, unless the request is in a hurry: then the pool makes them, with a
        budget of their own and a place of their own among those that wait on upstreams, as long as there is one.

        False: the calls are needless.
        """
        led = [read for read in reads if read.is_leader]
        goes_on_alone = bool(led) and speculation is None and self._is_in_hurry and self._place.try_enter()
        if goes_on_alone:
            fill_by = Deadline.after(settings.READ_BUDGET_SECONDS)
            fills = [self._fill(read, fill_by, None) for read in led]
            submit_admitted(fills, self.cache, self._place, is_reserved=self.is_reserved)
            led = []
        fill_by = self._answer_by.sooner(settings.READ_BUDGET_SECONDS)
        own: list[Task] = [self._fill(read, fill_by, read.pending) for read in led]
        own += [self._task(pending) for pending in alone if pending.call.is_repeatable]
        writes = [self._task(pending) for pending in alone if not pending.call.is_repeatable]
        if speculation is not None and not own:
            return self._is_wanted(speculation)
        here, *beside = [*side_by_side(own), *([write] for write in writes)] or [[]]
        futures = [(submit(tasks, self.cache, is_reserved=self.is_reserved), tasks) for tasks in beside]
        is_wanted = run_tasks(here, self.cache, more_writes, speculation)
        for future, tasks in futures:
            self._wait(future, tasks)
        return is_wanted

    def _wait(self, future: "Future[bool]", tasks: Sequence[Task]) -> None:
        """Waits for tasks on the pool; those that it did not come to in time are not begun any more."""
        try:
            with thread_gate().blocked():
                future.result(self._answer_by.remaining_seconds)
        except TimeoutError:
            if not future.cancel():
                # They are at it, and end at their own deadline.
                with thread_gate().blocked():
                    future.result()
                return
            for task in tasks:
                task.fail(DeadlineExceededError(task.target.conf.name))

    def _fill(self, read: _Read, deadline: Deadline, pending: PendingCall[Any] | None) -> Task:
        return FillTask(
            read.pending.call,
            read.shared_read,
            self.origin,
            deadline,
            self.cache,
            pending=pending,
            is_fresh_wanted=self.is_fresh_wanted,
        )

    def _task(self, pending: PendingCall[Any]) -> Task:
        return CallTask(pending, self.origin, self._answer_by)

    def _complete(self, read: _Read, *, is_last: bool) -> bool:
        """Settles a read by its shared read, no later than the deadline; False: it is to be asked for anew."""
        shared_read, pending = read.shared_read, read.pending
        is_anothers = not read.is_leader
        if is_anothers and not shared_read.is_complete:
            try:
                has_landed = self._follow(read)
            except (UpstreamBusyError, GatewayOverloadedError) as error:
                if isinstance(error, UpstreamBusyError):
                    self._settle_late(pending, shared_read)
                if not pending.is_settled or pending.error is not None:
                    pending.fail(error)
                return True
        else:
            has_landed = shared_read.wait(self._answer_by)
        if not has_landed:
            self._settle_late(pending, shared_read)
            return True
        if shared_read.error is not None:
            is_passing = isinstance(shared_read.error, UpstreamUnavailableError | DeadlineExceededError)
            if is_anothers and is_passing and not is_last and not self._answer_by.has_passed:
                return False
            pending.fail(shared_read.error)
            pending.ended_at = shared_read.completed_at
            return True
        outcome = shared_read.result
        assert outcome is not None
        if is_anothers and not self._will_do(outcome, shared_read, pending):
            return False
        if is_anothers or not pending.is_settled:
            is_collapsed = is_anothers and outcome.state is SectionState.FRESH
            pending.settle(replace(outcome, is_collapsed=True) if is_collapsed else outcome)
            pending.ended_at = shared_read.completed_at
        return True

    def _will_do(self, outcome: Outcome[Any], shared_read: SharedRead[Outcome[Any]], pending: PendingCall[Any]) -> bool:
        """Whether what another request has found was true when this one asked.

        Else something may have changed in between, and this one been told so: it asks anew, once, since whoever leads
        then begins later. Without Redis nobody could say so but this process, and one call goes on standing for all.
        """
        if outcome.true_at >= pending.started_at:
            return True
        return outcome.is_unwatched and not shared_read.is_voided and self.cache.is_down

    def _follow(self, read: _Read) -> bool:
        """Waits for another's flight, in a place of those who follow; whether it is complete.

        What it waited in vain tells its breaker as much as a call of its own. Raises as `Followers.following` does.
        """
        target, shared_read = upstream(read.pending.call.service), read.shared_read
        began_at = time.monotonic()
        with self._place.aside(), target.waiters.following():
            has_landed = shared_read.wait(self._answer_by)
        is_in_vain = not has_landed or isinstance(shared_read.error, UpstreamUnavailableError | DeadlineExceededError)
        if is_in_vain or (shared_read.result is not None and shared_read.result.state is SectionState.STALE):
            target.breaker.witness(time.monotonic() - began_at)
        return has_landed

    def _settle_late(self, pending: PendingCall[Any], shared_read: SharedRead[Outcome[Any]]) -> None:
        """The time is over: the last good answer, if the one who asks has found one and it was not dropped since."""
        stale = self._still_stale(pending, shared_read) if shared_read.stale is not None else None
        if stale is not None:
            is_stale = stale.state is SectionState.STALE
            pending.settle(replace(stale, error=DeadlineExceededError.code) if is_stale else stale)
        else:
            pending.fail(DeadlineExceededError(pending.call.service))

    def _still_stale(self, pending: PendingCall[Any], shared_read: SharedRead[Outcome[Any]]) -> Outcome[Any] | None:
        """Looks it up once more; while Redis is down, what was found since this request asked."""
        assert pending.call.key is not None
        newer_than_ms = -1 if self.is_fresh_wanted else 0
        (result,) = self.cache.read([CacheLookup(key=pending.call.key, newer_than_ms=newer_than_ms)])
        found = (
            shared_read.stale
            if result.status is LookupStatus.DOWN
            else cached_outcome(pending.call, result, self.cache)
        )
        if found is None or found.is_absent or found.true_at < pending.started_at:
            return None
        return None if result.status is LookupStatus.DOWN and shared_read.is_voided else found


def _complete_all(reads: Sequence[_Read], error: BaseException) -> None:
    """Ends the shared reads that nobody will end any more, so that nobody waits for them."""
    for read in reads:
        if read.is_leader:
            single_flight().complete(read.shared_read, error=error)
