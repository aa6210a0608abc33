"""Histograms whose durations are put aside as they come, and counted together a little later.

To count one, prometheus-client takes a lock that all metrics of a process share and writes
twice into a mapped file.

Measured (`tests.bench.pairs`, 2026-11-29): counting each at once takes 1.090 ± 0.007 times as
much processor time for a kept dashboard (warm-rest), 1.061 ± 0.008 times for one that is asked
for (cold-rest).
"""

import logging
import os
import threading
import time
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final
from weakref import WeakSet

from prometheus_client import Histogram

from gateway_clients.instrumentation.exemplars import exemplars
from gateway_clients.instrumentation.sample_files import DIRECTORY

#: Seconds after which a duration has been counted; a process that is killed loses as much.
SETTLE_SECONDS: Final = 0.25

log: Final = logging.getLogger(__name__)
Labels = tuple[str | int, ...]


class DeferredHistogram:
    """A histogram of seconds. The first starts a thread that counts what was put aside; `settle` does so at once."""

    def __init__(self, whole: Histogram, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._whole = whole
        self._sleep = sleep
        self._aside: deque[tuple[Labels, float]] = deque()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        _all.add(self)

    def observe(self, labels: Labels, seconds: float) -> None:
        """Puts a duration aside; the labels in the order of the histogram's."""
        self._aside.append((labels, seconds))
        if self._thread is None:
            self._start()

    def settle(self) -> None:
        """Counts what was put aside."""
        with self._lock:
            durations: defaultdict[Labels, list[float]] = defaultdict(list)
            for _ in range(len(self._aside)):
                labels, seconds = self._aside.popleft()
                durations[labels].append(seconds)
            for labels, several in durations.items():
                _count(self._whole.labels(*labels) if labels else self._whole, several)

    def forget_thread(self) -> None:
        """In a forked process there is none, and the lock may have been taken by one that is not there."""
        self._lock, self._thread = threading.Lock(), None

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._settle_on, name="metrics", daemon=True)
                # Where the process may have no more threads, the next duration starts it.
                with suppress(RuntimeError):
                    thread.start()
                    self._thread = thread

    def _settle_on(self) -> None:
        while True:
            self._sleep(SETTLE_SECONDS)
            try:
                self.settle()
                if DIRECTORY in os.environ:
                    exemplars().write(Path(os.environ[DIRECTORY]))
            except Exception:
                log.exception("durations were not counted")


def _count(part: Histogram, several: list[float]) -> None:
    """Does what `observe` does for each value; prometheus-client has no public name for several."""
    part._sum.inc(sum(several))
    for number, count in Counter([bisect_left(part._upper_bounds, seconds) for seconds in several]).items():
        part._buckets[number].inc(count)


def _forget_threads() -> None:
    for histogram in _all:
        histogram.forget_thread()


_all: Final[WeakSet[DeferredHistogram]] = WeakSet()
os.register_at_fork(after_in_child=_forget_threads)
