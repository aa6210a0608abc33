"""The tasks of an event loop that wait: for the end of a pause, or for a place at an upstream."""

import heapq
import math
import time
from collections.abc import Callable
from itertools import count

from gateway_clients.pipeline.effects import AwaitPlace
from gateway_clients.pipeline.task import Task


class WaitingTasks:
    """Pauses by their ends, and turns for places."""

    def __init__(self) -> None:
        self._pauses: list[tuple[float, int, Task]] = []
        self._turns: list[tuple[Task, AwaitPlace]] = []
        self._number = count()

    def __bool__(self) -> bool:
        return bool(self._pauses or self._turns)

    def pause(self, task: Task, seconds: float) -> None:
        """Adds a task that goes on after `seconds`."""
        heapq.heappush(self._pauses, (time.monotonic() + seconds, next(self._number), task))

    def queue_up(self, task: Task, turn: AwaitPlace, ring: Callable[[], None]) -> None:
        """Queues a task for its place; the call that gives it one rings the bell."""
        turn.ticket.wake = ring
        self._turns.append((task, turn))

    def take_due(self) -> list[Task]:
        """Returns, once, the tasks that have their place or no time left, and those whose pause is over."""
        due: list[Task] = []
        if self._turns:
            waiting, self._turns = self._turns, []
            for task, turn in waiting:
                if turn.ticket.has_place or turn.deadline.has_passed:
                    due.append(task)
                else:
                    self._turns.append((task, turn))
        if self._pauses:
            now = time.monotonic()
            while self._pauses and self._pauses[0][0] <= now:
                due.append(heapq.heappop(self._pauses)[2])
        return due

    def seconds_left(self) -> float:
        """Returns the time until the first of them is due; a place that is given rings the bell before."""
        left = max(0.0, self._pauses[0][0] - time.monotonic()) if self._pauses else math.inf
        # A place that was given before the bell was set did not ring it.
        waits = [0.0 if turn.ticket.has_place else turn.deadline.remaining_seconds for _, turn in self._turns]
        return min([left, *waits])
