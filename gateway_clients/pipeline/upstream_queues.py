"""The calls of one request in queues, so that it has only so many under way to one upstream."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from gateway_clients.pipeline.task import Task

#: Calls of one request under way to one upstream at the same time.
MOST_OF_ONE_REQUEST: Final = 10


class UpstreamQueues:
    """A queue for each upstream; none where the request has so few calls that all may run."""

    def __init__(self) -> None:
        self._queued: dict[str, deque[Task]] = {}
        self._running: dict[str, int] = {}

    def start(self, tasks: Sequence[Task]) -> Iterable[Task]:
        """Takes all tasks of the request; returns those that may run now."""
        if len(tasks) <= MOST_OF_ONE_REQUEST:
            return tasks
        for task in tasks:
            self._queued.setdefault(task.target.conf.name, deque()).append(task)
        self._running = dict.fromkeys(self._queued, 0)
        return [task for service in self._queued for task in self._taken(service)]

    def end(self, task: Task) -> Iterable[Task]:
        """Takes note that a task has ended; returns those that may run in its place."""
        if not self._queued:
            return ()
        service = task.target.conf.name
        self._running[service] -= 1
        return self._taken(service)

    def _taken(self, service: str) -> list[Task]:
        count = min(MOST_OF_ONE_REQUEST - self._running[service], len(self._queued[service]))
        self._running[service] += count
        return [self._queued[service].popleft() for _ in range(count)]
