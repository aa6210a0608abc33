"""Runs pipes to their end: one on the calling thread, or many side by side on it.

Looks and stores of all that are ready go to Redis in one round trip each; attempts go out together and come back as
they do; pauses are waited for together. A call alone, a write, and whatever is not plain HTTP goes through requests.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from gateway_clients.caching.store import Cache, Fill, Look
from gateway_clients.crew import crew
from gateway_clients.transport.batch import Batch
from gateway_clients.transport.exchange import Exchange
from gateway_clients.upstream.outcome import Outcome
from gateway_clients.upstream.registry import upstream
from gateway_clients.upstream.steps import Attempt, Pause, Pipe, Release, Sent, Step

#: Calls of one request under way to one upstream at the same time.
MOST_OF_ONE_REQUEST: Final = 10
#: Seconds that a finished fill waits for others to be stored with.
STORE_PATIENCE_SECONDS: Final = 0.002
#: Seconds that answers are waited for before another thread is called to serve meanwhile.
SHORT_WAIT_SECONDS: Final = 0.001


@dataclass(eq=False, slots=True)
class Job:
    """One pipe, and who is to be told of its end."""

    service: str
    pipe: Pipe[Outcome[Any]]
    succeed: Callable[[Outcome[Any]], None]
    fail: Callable[[BaseException], None]


MoreFills = Callable[[], Sequence[Fill]]


def run(jobs: Sequence[Job], cache: Cache, more_fills: MoreFills = tuple) -> None:
    """Runs all to their end; each tells its own. Never raises for a job's failure.

    `more_fills` is asked what else is to be stored when nothing is left to do but to store.
    """
    driver = _Driver(jobs, cache, more_fills)
    try:
        driver.run()
    finally:
        driver.close()


def goes_in_batches(service: str) -> bool:
    """Whether calls of this upstream can go side by side on one thread; others have to be spread over threads."""
    return upstream(service).conf.base_url.startswith("http://")


class _Driver:
    def __init__(self, jobs: Sequence[Job], cache: Cache, more_fills: MoreFills) -> None:
        self._jobs = jobs
        self._cache = cache
        self._batch: Batch | None = None
        self._more_fills = more_fills
        self._ready: deque[tuple[Job, Sent, Exception | None]] = deque()
        self._queued: dict[str, deque[Job]] = {}
        self._running: dict[str, int] = {}
        self._looks: list[tuple[Job, Look]] = []
        self._fills: list[tuple[Job, Fill]] = []
        self._pauses: list[tuple[float, int, Job]] = []
        self._exchanges: dict[Exchange, Job] = {}
        self._number = count()
        self._open = set(jobs)

    def run(self) -> None:
        if len(self._jobs) > 1 and all(goes_in_batches(job.service) for job in self._jobs):
            self._batch = Batch()
        for job in self._jobs:
            self._queued.setdefault(job.service, deque()).append(job)
        for service in list(self._queued):
            self._start_queued(service)
        while self._open:
            while self._ready:
                self._advance(*self._ready.popleft())
            self._ask_redis_or_wait()

    def _start_queued(self, service: str) -> None:
        queue = self._queued[service]
        while queue and self._running.get(service, 0) < MOST_OF_ONE_REQUEST:
            self._running[service] = self._running.get(service, 0) + 1
            self._ready.append((queue.popleft(), None, None))

    def _advance(self, job: Job, sent: Sent, error: Exception | None) -> None:
        try:
            step = job.pipe.throw(error) if error is not None else job.pipe.send(sent)
        except StopIteration as end:
            self._end(job)
            job.succeed(end.value)
        except Exception as failure:  # noqa: BLE001 - handed to whoever waits for the job
            self._end(job)
            job.fail(failure)
        else:
            self._take(job, step)

    def _end(self, job: Job) -> None:
        self._open.discard(job)
        self._running[job.service] -= 1
        self._start_queued(job.service)

    def _take(self, job: Job, step: Step) -> None:
        match step:
            case Look():
                self._looks.append((job, step))
            case Fill():
                self._fills.append((job, step))
            case Release():
                self._cache.release([step.reading])
                self._ready.append((job, None, None))
            case Pause():
                heapq.heappush(self._pauses, (time.monotonic() + step.seconds, next(self._number), job))
            case Attempt():
                self._send(job, step)

    def _send(self, job: Job, attempt: Attempt) -> None:
        target = upstream(job.service)
        try:
            if self._batch is not None and attempt.outgoing.may_resend:
                exchange = self._batch.start(attempt.outgoing, target.conf, attempt.deadline)
                self._exchanges[exchange] = job
            else:
                with crew().away():
                    answer = target.lane.send(attempt.outgoing, attempt.deadline)
                self._ready.append((job, answer, None))
        except Exception as error:  # noqa: BLE001 - thrown into the pipe, which knows its kinds
            self._ready.append((job, None, error))

    def _ask_redis_or_wait(self) -> None:
        if self._looks:
            looks, self._looks = self._looks, []
            readings = self._cache.read([look for _, look in looks])
            self._ready.extend((job, reading, None) for (job, _), reading in zip(looks, readings, strict=True))
        elif not (self._collect() or self._ready) and self._fills:
            fills, self._fills = self._fills, []
            more = self._more_fills() if len(fills) == len(self._open) else ()
            are_valid = self._cache.store([*(fill for _, fill in fills), *more])
            self._ready.extend((job, is_valid, None) for (job, _), is_valid in zip(fills, are_valid, strict=False))

    def _collect(self) -> bool:
        """Waits for answers and pauses, shortly when there is something to store; whether something came."""
        now = time.monotonic()
        patience = max(0.0, self._pauses[0][0] - now) if self._pauses else 60.0
        if self._fills:
            patience = min(patience, STORE_PATIENCE_SECONDS)
        has_come = False
        if self._exchanges and self._batch is not None:
            for exchange in self._answered(self._batch, patience):
                self._ready.append((self._exchanges.pop(exchange), exchange.answer, exchange.error))
                has_come = True
        elif self._pauses and not self._fills:
            with crew().away():
                time.sleep(patience)
        now = time.monotonic()
        while self._pauses and self._pauses[0][0] <= now:
            self._ready.append((heapq.heappop(self._pauses)[2], None, None))
            has_come = True
        return has_come

    def _answered(self, batch: Batch, patience: float) -> Iterable[Exchange]:
        done = batch.wait(min(patience, SHORT_WAIT_SECONDS))
        if done or patience <= SHORT_WAIT_SECONDS:
            return done
        with crew().away():
            return batch.wait(patience - SHORT_WAIT_SECONDS)

    def close(self) -> None:
        """Ends what has not ended, after a failure of the driver itself."""
        if self._batch is not None:
            self._batch.close()
        for job in list(self._open):
            job.pipe.close()
            job.fail(RuntimeError("the driver stopped"))
