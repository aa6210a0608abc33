"""Runs pipelines to their end on the calling thread: one, or many side by side.

The lookups of all tasks that are ready go to Redis in one round trip, and so do their stores; requests are sent
together and read as their answers come; pauses are waited for together.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, Self

from gateway_clients.caching.lookups import CacheLookup, CacheWrite
from gateway_clients.caching.store import Cache
from gateway_clients.pipeline.effects import AwaitPlace, EffectResult, SendRequest, Sleep, StoreAnswer
from gateway_clients.pipeline.task import Task
from gateway_clients.pipeline.upstream_queues import UpstreamQueues
from gateway_clients.pipeline.waiting_tasks import WaitingTasks
from gateway_clients.runtime.start_gate import start_gate
from gateway_clients.transport.messages import PreparedCall
from gateway_clients.transport.multiplexed.multiplexer import Multiplexer, Sending
from gateway_clients.transport.requests_client import RequestsClient

#: Seconds that a finished fill waits for others, to be stored with them.
STORE_PATIENCE_SECONDS: Final = 0.002
#: Seconds that answers and pauses are waited for at a time.
LONGEST_WAIT_SECONDS: Final = 60.0


def run_tasks(tasks: Sequence[Task], cache: Cache) -> None:
    """Runs all tasks to their end; each is told its outcome. Never raises for a task's failure."""
    with EventLoop(tasks, cache) as loop:
        loop.ask()
        loop.store()


class EventLoop:
    """The tasks that run side by side on one thread. Closing it fails those that have not ended."""

    def __init__(self, tasks: Sequence[Task], cache: Cache) -> None:
        self._tasks = tasks
        self._cache = cache
        self._multiplexer = Multiplexer()
        self._ready: deque[tuple[Task, EffectResult, Exception | None]] = deque()
        self._queues = UpstreamQueues()
        self._lookups: list[tuple[Task, CacheLookup]] = []
        self._writes: list[tuple[Task, CacheWrite]] = []
        self._waiting = WaitingTasks()
        self._unsent: dict[RequestsClient, list[tuple[PreparedCall, Task]]] = {}
        self._exchanges: dict[Sending, Task] = {}
        self._open = set(tasks)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self) -> None:
        """Runs each task until it has ended or has only to be stored.

        Answers that come while other calls are under way are stored meanwhile.
        """
        self._resume(self._queues.start(self._tasks))
        self._run()

    def store(self, more: Sequence[CacheWrite] = ()) -> None:
        """Stores the remaining answers, and `more` in the same round trip; then all tasks have ended."""
        while self._writes or more:
            self._store(more)
            more = ()
            self._run()

    def _run(self) -> None:
        while self._ready or len(self._writes) < len(self._open):
            while self._ready:
                self._advance(*self._ready.popleft())
            if self._unsent:
                self._send_prepared()
            elif self._lookups:
                self._look_up()
            elif len(self._writes) < len(self._open) and not (self._collect() or self._ready) and self._writes:
                self._store()

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
        elif isinstance(step, StoreAnswer):
            task.answer(step.outcome)
            self._writes.append((task, step.write))
        elif isinstance(step, AwaitPlace):
            self._waiting.queue_up(task, step, self._multiplexer.bell().ring)
        elif isinstance(step, Sleep):
            self._waiting.pause(task, step.seconds)
        else:
            self._cache.release([step.result])
            self._resume([task])

    def _resume(self, tasks: Iterable[Task]) -> None:
        self._ready += [(task, None, None) for task in tasks]

    def _end(self, task: Task) -> None:
        self._open.discard(task)
        self._resume(self._queues.end(task))

    def _send(self, task: Task, attempt: SendRequest) -> None:
        client = task.target.client
        try:
            call = client.prepared_call(attempt.outgoing, attempt.deadline)
        except Exception as error:  # noqa: BLE001 - thrown into the pipeline, which knows its kinds
            self._ready.append((task, None, error))
        else:
            self._unsent.setdefault(client, []).append((call, task))

    def _send_prepared(self) -> None:
        unsent, self._unsent = self._unsent, {}
        for client, sendings in unsent.items():
            try:
                exchanges = client.send_all([call for call, _ in sendings], self._multiplexer)
            except Exception as error:  # noqa: BLE001 - thrown into the pipeline, which knows its kinds
                self._ready.extend((task, None, error) for _, task in sendings)
            else:
                self._exchanges.update(zip(exchanges, (task for _, task in sendings), strict=True))

    def _look_up(self) -> None:
        lookups, self._lookups = self._lookups, []
        results = self._cache.read([lookup for _, lookup in lookups])
        self._ready.extend((task, result, None) for (task, _), result in zip(lookups, results, strict=True))

    def _store(self, more: Sequence[CacheWrite] = ()) -> None:
        writes, self._writes = self._writes, []
        are_valid = self._cache.store([*(write for _, write in writes), *more])
        self._ready.extend((task, is_valid, None) for (task, _), is_valid in zip(writes, are_valid, strict=False))

    def _collect(self) -> bool:
        """Waits for answers and pauses, shortly when there is something to store; returns whether anything came."""
        patience = min(STORE_PATIENCE_SECONDS if self._writes else LONGEST_WAIT_SECONDS, self._waiting.seconds_left())
        has_come = False
        if self._exchanges or (self._waiting and not self._writes):
            with start_gate().waiting_for_others():
                answered = self._multiplexer.wait(patience)
            for exchange in answered:
                if (task := self._exchanges.pop(exchange, None)) is not None:
                    self._ready.append((task, exchange.answer, exchange.error))
                    has_come = True
        due = self._waiting.take_due()
        self._resume(due)
        return has_come or bool(due)

    def close(self) -> None:
        """Fails the tasks that have not ended, after a failure of the event loop itself."""
        for task in list(self._open):
            task.close()
            task.fail(RuntimeError("the event loop stopped"))
        self._multiplexer.close()
