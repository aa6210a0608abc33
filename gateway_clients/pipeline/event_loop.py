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

from gateway_clients.caching.lookups import CacheLookup, CacheWrite, LookupResult
from gateway_clients.caching.store import Cache
from gateway_clients.errors import DeadlineExceededError
from gateway_clients.pipeline.effects import AwaitPlace, EffectResult, ReleaseLease, SendRequest, Sleep
from gateway_clients.pipeline.task import SpeculativeLookup, Task
from gateway_clients.runtime.bell import Bell
from gateway_clients.runtime.ppoll import wait_readable
from gateway_clients.runtime.thread_gate import SHORT_WAIT_SECONDS, thread_gate
from gateway_clients.transport.multiplexed.exchange import Exchange
from gateway_clients.transport.multiplexed.multiplexer import Multiplexer

#: Calls of one request under way to one upstream at the same time.
MOST_OF_ONE_REQUEST: Final = 10
#: Seconds that a finished fill waits for others to be stored with.
STORE_PATIENCE_SECONDS: Final = 0.002

MoreWrites = Callable[[], Sequence[CacheWrite]]


def run_tasks(
    tasks: Sequence[Task], cache: Cache, more_writes: MoreWrites = tuple, speculation: SpeculativeLookup | None = None
) -> bool:
    """Runs all to their end; each tells its own. Never raises for a task's failure, but what `speculation` raises.

    `more_writes` is asked what else is to be stored when nothing is left to do but to store. False: the tasks were not
    wanted after all, and those that nobody else needs have no end.
    """
    loop = EventLoop(tasks, cache, more_writes, speculation)
    try:
        loop.run()
    finally:
        loop.close()
    return loop.is_wanted


class EventLoop:
    def __init__(
        self, tasks: Sequence[Task], cache: Cache, more_writes: MoreWrites, speculation: SpeculativeLookup | None
    ) -> None:
        self.is_wanted = True
        self._tasks = tasks
        self._cache = cache
        self._multiplexer: Multiplexer | None = None
        self._more_writes = more_writes
        self._speculation = speculation
        self._ready: deque[tuple[Task, EffectResult, Exception | None]] = deque()
        self._queued: dict[str, deque[Task]] = {}
        self._running: dict[str, int] = {}
        self._lookups: list[tuple[Task, CacheLookup]] = []
        self._writes: list[tuple[Task, CacheWrite]] = []
        self._pauses: list[tuple[float, int, Task]] = []
        self._turns: list[tuple[Task, AwaitPlace]] = []
        self._bell: Bell | None = None
        self._unsent: list[tuple[Exchange, Task]] = []
        self._exchanges: dict[Exchange, Task] = {}
        self._number = count()
        self._open = set(tasks)

    def run(self) -> None:
        if len(self._tasks) > 1 and all(task.target.is_multiplexed for task in self._tasks):
            self._multiplexer = Multiplexer()
        if len(self._tasks) <= MOST_OF_ONE_REQUEST:
            self._ready.extend((task, None, None) for task in self._tasks)
        else:
            self._queue()
        while self._open:
            while self._ready:
                self._advance(*self._ready.popleft())
            if self._unsent and self._multiplexer is not None:
                self._send_prepared(self._multiplexer)
            elif self._lookups:
                self._look_up()
            elif not (self._collect() or self._ready) and self._writes:
                self._store()

    def _queue(self) -> None:
        for task in self._tasks:
            self._queued.setdefault(task.target.conf.name, deque()).append(task)
        for service, queue in self._queued.items():
            self._running[service] = 0
            self._start_queued(service, queue)

    def _start_queued(self, service: str, queue: deque[Task]) -> None:
        while queue and self._running[service] < MOST_OF_ONE_REQUEST:
            self._running[service] += 1
            self._ready.append((queue.popleft(), None, None))

    def _advance(self, task: Task, sent: EffectResult, error: Exception | None) -> None:
        try:
            step = task.pipeline.send(sent) if error is None else task.pipeline.throw(error)
        except StopIteration as end:
            self._end(task)
            task.succeed(end.value)
            return
        except Exception as failure:  # noqa: BLE001 - handed to whoever waits for the task
            self._end(task)
            task.fail(failure)
            return
        if isinstance(step, CacheLookup):
            self._lookups.append((task, step))
        elif isinstance(step, SendRequest):
            self._send(task, step)
        elif isinstance(step, CacheWrite):
            self._writes.append((task, step))
        elif isinstance(step, AwaitPlace):
            self._queue_up(task, step)
        else:
            self._pause_or_release(task, step)

    def _end(self, task: Task) -> None:
        self._open.discard(task)
        if self._queued:
            service = task.target.conf.name
            self._running[service] -= 1
            self._start_queued(service, self._queued[service])

    def _pause_or_release(self, task: Task, step: Sleep | ReleaseLease) -> None:
        if isinstance(step, Sleep):
            heapq.heappush(self._pauses, (time.monotonic() + step.seconds, next(self._number), task))
        else:
            self._cache.release([step.result])
            self._ready.append((task, None, None))

    def _queue_up(self, task: Task, turn: AwaitPlace) -> None:
        """Lets the task wait for its place; who leaves one to it rings."""
        if self._bell is None:
            self._bell = Bell()
        turn.ticket.wake = self._bell.ring
        self._turns.append((task, turn))

    def _take_turns(self) -> bool:
        """Goes on with the tasks that have their place now, or no time any more; whether there are some."""
        if self._bell is None:
            return False
        self._bell.hush()
        waiting, self._turns = self._turns, []
        for task, turn in waiting:
            if turn.ticket.has_place or turn.deadline.has_passed:
                self._ready.append((task, None, None))
            else:
                self._turns.append((task, turn))
        return len(self._turns) < len(waiting)

    def _send(self, task: Task, attempt: SendRequest) -> None:
        try:
            if self._multiplexer is not None and attempt.outgoing.may_resend:
                exchange = self._multiplexer.prepared(attempt.outgoing, task.target.conf, attempt.deadline)
                self._unsent.append((exchange, task))
            else:
                with thread_gate().blocked():
                    answer = task.target.client.send(attempt.outgoing, attempt.deadline)
                self._ready.append((task, answer, None))
        except Exception as error:  # noqa: BLE001 - thrown into the pipeline, which knows its kinds
            self._ready.append((task, None, error))

    def _send_prepared(self, multiplexer: Multiplexer) -> None:
        unsent, self._unsent = self._unsent, []
        for exchange, task in unsent:
            try:
                multiplexer.start(exchange)
            except Exception as error:  # noqa: BLE001 - thrown into the pipeline, which knows its kinds
                self._ready.append((task, None, error))
            else:
                self._exchanges[exchange] = task

    def _look_up(self) -> None:
        lookups, self._lookups = self._lookups, []
        speculation, self._speculation = self._speculation, None
        if speculation is None:
            results = self._cache.read([lookup for _, lookup in lookups])
        else:
            found = self._cache.read([*speculation.lookups, *(lookup for _, lookup in lookups)], speculation.piggyback)
            results = found[len(speculation.lookups) :]
            self._take_speculation(speculation, found[: len(speculation.lookups)], results)
            if not (self.is_wanted and results):
                self._lookups = [(task, lookup) for task, lookup in lookups if task in self._open]
                return
        self._ready.extend((task, result, None) for (task, _), result in zip(lookups, results, strict=True))

    def _take_speculation(
        self, speculation: SpeculativeLookup, found: Sequence[LookupResult], results: Sequence[LookupResult]
    ) -> None:
        try:
            self.is_wanted = speculation.take(found)
        except BaseException:
            self._cache.release(results)
            self._leave_needless()
            for task in self._open:
                task.fail(DeadlineExceededError(task.target.conf.name))
            self._open.clear()
            raise
        if not self.is_wanted:
            self._leave_needless()

    def _leave_needless(self) -> None:
        for task in [task for task in self._open if task.abandon_if_unshared()]:
            self._open.discard(task)
            task.pipeline.close()

    def _store(self) -> None:
        writes, self._writes = self._writes, []
        more = self._more_writes() if len(writes) == len(self._open) else ()
        are_valid = self._cache.store(
            [*(write for _, write in writes), *more],
            fire_and_forget_if=lambda: all(task.abandon_if_unshared() for task, _ in writes),
        )
        self._ready.extend((task, is_valid, None) for (task, _), is_valid in zip(writes, are_valid, strict=False))

    def _collect(self) -> bool:
        """Waits for answers and pauses, shortly when there is something to store; whether something came."""
        patience = self._patience_seconds()
        has_come = False
        if self._exchanges and self._multiplexer is not None:
            for exchange in self._answered(self._multiplexer, patience):
                self._ready.append((self._exchanges.pop(exchange), exchange.answer, exchange.error))
                has_come = True
        elif (self._pauses or self._turns) and not self._writes:
            with thread_gate().blocked():
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
            wait_readable([(self._bell.descriptor, select.POLLIN)], seconds)

    def _patience_seconds(self) -> float:
        patience = STORE_PATIENCE_SECONDS if self._writes else 60.0
        if self._pauses:
            patience = min(patience, max(0.0, self._pauses[0][0] - time.monotonic()))
        # A place that came before the bell was hung up did not ring it.
        waits = [0.0 if turn.ticket.has_place else turn.deadline.remaining_seconds for _, turn in self._turns]
        return min([patience, *waits])

    def _answered(self, multiplexer: Multiplexer, patience: float) -> Iterable[Exchange]:
        bell = self._bell
        done = multiplexer.wait(min(patience, SHORT_WAIT_SECONDS), bell)
        if done or patience <= SHORT_WAIT_SECONDS:
            return done
        with thread_gate().blocked():
            return multiplexer.wait(patience - SHORT_WAIT_SECONDS, bell)

    def close(self) -> None:
        """Ends what has not ended, after a failure of the event loop itself."""
        if self._multiplexer is not None:
            self._multiplexer.close()
        for task in list(self._open):
            task.pipeline.close()
            task.fail(RuntimeError("the event loop stopped"))
        if self._bell is not None:
            self._bell.close()
