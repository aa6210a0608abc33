"""Work for a thread pool in a process that may have no more threads."""

from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from typing import TypeVar

T = TypeVar("T")


def submit(pool: Executor, work: Callable[[], T]) -> Future[T] | None:
    """Hands work to a pool and returns its future; None: the process has no thread for it, and it will never be done.

    A ThreadPoolExecutor queues work before it starts a thread for it. When that fails it raises RuntimeError, and one
    of its other threads may do the work all the same, at once or much later.
    """
    only_once: Future[T] = Future()
    try:
        return pool.submit(_do, work, only_once)
    except RuntimeError:
        return None if only_once.cancel() else only_once


def _do(work: Callable[[], T], only_once: Future[T]) -> T:
    if not only_once.set_running_or_notify_cancel():
        raise CancelledError
    try:
        result = work()
    except BaseException as error:
        only_once.set_exception(error)
        # The error knows this frame: with the future in it there would be a cycle.
        del only_once
        raise
    only_once.set_result(result)
    return result
