"""Runs pipes to their end: one on the calling thread, or many side by side on it.

Looks and stores of all that are ready go to Redis in one round trip each; attempts go out together and come back as
they do; pauses are waited for together. A call alone, a write, and whatever is not plain HTTP goes through requests.
"""

import heapq
import select
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Final

from gateway_clients.bell import Bell
from gateway_clients.caching.entries import Fill, Look, Reading
from gateway_clients.caching.store import Cache
from gateway_clients.crew import SHORT_WAIT_SECONDS, crew
from gateway_clients.errors import DeadlineExceededError
from gateway_clients.readiness import ready
from gateway_clients.transport.batch import Batch
from gateway_clients.transport.exchange import Exchange
from gateway_clients.upstream.jobs import Ahead, Job
from gateway_clients.upstream.steps import Attempt, Pause, Release, Sent, Turn

#: Calls of one request under way to one upstream at the same time.
MOST_OF_ONE_REQUEST: Final = 10
#: Seconds that a finished fill waits for others to be stored with.
STORE_PATIENCE_SECONDS: Final = 0.002

MoreFills = Callable[[], Sequence[Fill]]


def run(jobs: Sequence[Job], cache: Cache, more_fills: MoreFills = tuple, ahead: Ahead | None = None) -> bool:
    """Runs all to their end; each tells its own. Never raises for a job's failure, but what `ahead` raises.

    `more_fills` is asked what else is to be stored when nothing is left to do but to store. False: the jobs were not
    wanted after all, and those that nobody else needs have no end.
    """
    driver = _Driver(jobs, cache, more_fills, ahead)
    try:
        driver.run()
    finally:
        driver.close()
    return driver.is_wanted


class _Driver:
    def __init__(self, jobs: Sequence[Job], cache: Cache, more_fills: MoreFills, ahead: Ahead | None) -> None:
        self.is_wanted = True
        self._jobs = jobs
        self._cache = cache
        self._batch: Batch | None = None
        self._more_fills = more_fills
        self._ahead = ahead
        self._ready: deque[tuple[Job, Sent, Exception | None]] = deque()
        self._queued: dict[str, deque[Job]] = {}
        self._running: dict[str, int] = {}
        self._looks: list[tuple[Job, Look]] = []
        self._fills: list[tuple[Job, Fill]] = []
        self._pauses: list[tuple[float, int, Job]] = []
        self._turns: list[tuple[Job, Turn]] = []
        self._bell: Bell | None = None
        self._unsent: list[tuple[Exchange, Job]] = []
        self._exchanges: dict[Exchange, Job] = {}
        self._number = count()
        self._open = set(jobs)

    def run(self) -> None:
        if len(self._jobs) > 1 and all(job.target.goes_in_batches for job in self._jobs):
            self._batch = Batch()
        if len(self._jobs) <= MOST_OF_ONE_REQUEST:
            self._ready.extend((job, None, None) for job in self._jobs)
        else:
            self._queue()
        while self._open:
            while self._ready:
                self._advance(*self._ready.popleft())
            if self._unsent and self._batch is not None:
                self._send_prepared(self._batch)
            elif self._looks:
                self._look()
            elif not (self._collect() or self._ready) and self._fills:
                self._store()

    def _queue(self) -> None:
        for job in self._jobs:
            self._queued.setdefault(job.target.conf.name, deque()).append(job)
        for service, queue in self._queued.items():
            self._running[service] = 0
            self._start_queued(service, queue)

    def _start_queued(self, service: str, queue: deque[Job]) -> None:
        while queue and self._running[service] < MOST_OF_ONE_REQUEST:
            self._running[service] += 1
            self._ready.append((queue.popleft(), None, None))

    def _advance(self, job: Job, sent: Sent, error: Exception | None) -> None:
        try:
            step = job.pipe.send(sent) if error is None else job.pipe.throw(error)
        except StopIteration as end:
            self._end(job)
            job.succeed(end.value)
            return
        except Exception as failure:  # noqa: BLE001 - handed to whoever waits for the job
            self._end(job)
            job.fail(failure)
            return
        if isinstance(step, Look):
            self._looks.append((job, step))
        elif isinstance(step, Attempt):
            self._send(job, step)
        elif isinstance(step, Fill):
            self._fills.append((job, step))
        elif isinstance(step, Turn):
            self._queue_up(job, step)
        else:
            self._pause_or_release(job, step)

    def _end(self, job: Job) -> None:
        self._open.discard(job)
        if self._queued:
            service = job.target.conf.name
            self._running[service] -= 1
            self._start_queued(service, self._queued[service])

    def _pause_or_release(self, job: Job, step: Pause | Release) -> None:
        if isinstance(step, Pause):
            heapq.heappush(self._pauses, (time.monotonic() + step.seconds, next(self._number), job))
        else:
            self._cache.release([step.reading])
            self._ready.append((job, None, None))

    def _queue_up(self, job: Job, turn: Turn) -> None:
        """Lets the job wait for its place; who leaves one to it rings."""
        if self._bell is None:
            self._bell = Bell()
        turn.ticket.wake = self._bell.ring
        self._turns.append((job, turn))

    def _take_turns(self) -> bool:
        """Goes on with the jobs that have their place now, or no time any more; whether there are some."""
        if self._bell is None:
            return False
        self._bell.hush()
        waiting, self._turns = self._turns, []
        for job, turn in waiting:
            if turn.ticket.has_place or turn.deadline.has_passed:
                self._ready.append((job, None, None))
            else:
                self._turns.append((job, turn))
        return len(self._turns) < len(waiting)

    def _send(self, job: Job, attempt: Attempt) -> None:
        try:
            if self._batch is not None and attempt.outgoing.may_resend:
                exchange = self._batch.prepared(attempt.outgoing, job.target.conf, attempt.deadline)
                self._unsent.append((exchange, job))
            else:
                with crew().away():
                    answer = job.target.lane.send(attempt.outgoing, attempt.deadline)
                self._ready.append((job, answer, None))
        except Exception as error:  # noqa: BLE001 - thrown into the pipe, which knows its kinds
            self._ready.append((job, None, error))

    def _send_prepared(self, batch: Batch) -> None:
        unsent, self._unsent = self._unsent, []
        for exchange, job in unsent:
            try:
                batch.start(exchange)
            except Exception as error:  # noqa: BLE001 - thrown into the pipe, which knows its kinds
                self._ready.append((job, None, error))
            else:
                self._exchanges[exchange] = job

    def _look(self) -> None:
        looks, self._looks = self._looks, []
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            readings = self._cache.read([look for _, look in looks])
        else:
            found = self._cache.read([*ahead.looks, *(look for _, look in looks)], ahead.rider)
            readings = found[len(ahead.looks) :]
            self._take_ahead(ahead, found[: len(ahead.looks)], readings)
            if not (self.is_wanted and readings):
                self._looks = [(job, look) for job, look in looks if job in self._open]
                return
        self._ready.extend((job, reading, None) for (job, _), reading in zip(looks, readings, strict=True))

    def _take_ahead(self, ahead: Ahead, found: Sequence[Reading], readings: Sequence[Reading]) -> None:
        try:
            self.is_wanted = ahead.take(found)
        except BaseException:
            self._cache.release(readings)
            self._leave_needless()
            for job in self._open:
                job.fail(DeadlineExceededError(job.target.conf.name))
            self._open.clear()
            raise
        if not self.is_wanted:
            self._leave_needless()

    def _leave_needless(self) -> None:
        for job in [job for job in self._open if job.leave()]:
            self._open.discard(job)
            job.pipe.close()

    def _store(self) -> None:
        fills, self._fills = self._fills, []
        more = self._more_fills() if len(fills) == len(self._open) else ()
        are_valid = self._cache.store(
            [*(fill for _, fill in fills), *more], may_leave=lambda: all(job.leave() for job, _ in fills)
        )
        self._ready.extend((job, is_valid, None) for (job, _), is_valid in zip(fills, are_valid, strict=False))

    def _collect(self) -> bool:
        """Waits for answers and pauses, shortly when there is something to store; whether something came."""
        patience = self._patience_seconds()
        has_come = False
        if self._exchanges and self._batch is not None:
            for exchange in self._answered(self._batch, patience):
                self._ready.append((self._exchanges.pop(exchange), exchange.answer, exchange.error))
                has_come = True
        elif (self._pauses or self._turns) and not self._fills:
            with crew().away():
                self._sleep(patience)
        has_come = self._take_turns() or has_come
        if self._pauses:
            now = time.monotonic()
            while self._pauses and self._pauses[0][0] <= now:
                self._ready.append((heapq.heappop(self._pauses)[2], None, None))
                has_come = True
        return has_come

    def _sleep(self, seconds: float) -> None:
        """Until the bell rings, where there is one."""
        if self._bell is None:
            time.sleep(seconds)
        else:
            ready([(self._bell.descriptor, select.POLLIN)], seconds)

    def _patience_seconds(self) -> float:
        patience = STORE_PATIENCE_SECONDS if self._fills else 60.0
        if self._pauses:
            patience = min(patience, max(0.0, self._pauses[0][0] - time.monotonic()))
        # A place that came before the bell was hung up did not ring it.
        waits = [0.0 if turn.ticket.has_place else turn.deadline.remaining_seconds for _, turn in self._turns]
        return min([patience, *waits])

    def _answered(self, batch: Batch, patience: float) -> Iterable[Exchange]:
        bell = self._bell
        done = batch.wait(min(patience, SHORT_WAIT_SECONDS), bell)
        if done or patience <= SHORT_WAIT_SECONDS:
            return done
        with crew().away():
            return batch.wait(patience - SHORT_WAIT_SECONDS, bell)

    def close(self) -> None:
        """Ends what has not ended, after a failure of the driver itself."""
        if self._batch is not None:
            self._batch.close()
        for job in list(self._open):
            job.pipe.close()
            job.fail(RuntimeError("the driver stopped"))
        if self._bell is not None:
            self._bell.close()
