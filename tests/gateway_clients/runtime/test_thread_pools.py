"""Work for a thread pool is done once, or, where the process may have no more threads, surely never."""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway_clients.runtime.thread_pools import submit


class Crowded:
    """A pool with one busy thread, in a process that may have no second one."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool
        self._may_end = threading.Event()
        self._held = pool.submit(self._may_end.wait, 20)

    def free(self) -> None:
        """Has the busy thread do all that is in the queue."""
        self._may_end.set()
        assert self._held.result(20)


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Crowded]:
    with ThreadPoolExecutor(2) as pool:
        made = Crowded(pool)
        monkeypatch.setattr(threading.Thread, "start", no_thread)
        yield made
        made.free()


def no_thread(_: threading.Thread) -> None:
    """Does what Python does where the process may have no more threads."""
    raise RuntimeError("can't start new thread")


def test_work_without_a_thread_is_not_done_when_another_gets_to_it(crowded: Crowded) -> None:
    done: list[str] = []

    assert submit(crowded.pool, lambda: done.append("late")) is None

    crowded.free()
    crowded.pool.shutdown()
    assert done == []


def test_work_that_another_thread_has_begun_meanwhile_is_waited_for() -> None:
    class Quick(ThreadPoolExecutor):
        """Its other thread does the work before the one who brings it hears that it gets none of its own."""

        def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
            super().submit(fn, *args, **kwargs).exception(20)
            raise RuntimeError("can't start new thread")

    def fail() -> None:
        raise ZeroDivisionError

    with Quick(1) as pool:
        done, failed = submit(pool, lambda: "done"), submit(pool, fail)

    assert done is not None
    assert done.result(0) == "done"
    assert failed is not None
    assert isinstance(failed.exception(0), ZeroDivisionError)


def test_what_failed_is_let_go_of_with_its_future() -> None:
    class Load:
        """What work had in its hands."""

    seen: list[weakref.ref[Load]] = []

    def fail() -> None:
        load = Load()
        seen.append(weakref.ref(load))
        raise ZeroDivisionError

    def fail_on(pool: ThreadPoolExecutor, work: Callable[[], None]) -> None:
        future = submit(pool, work)
        assert future is not None
        assert isinstance(future.exception(20), ZeroDivisionError)

    gc.disable()
    try:
        with ThreadPoolExecutor(1) as pool:
            fail_on(pool, fail)
        assert seen[0]() is None
    finally:
        gc.enable()
