"""Being asked to stop: by Ctrl-C, by SIGTERM, by a terminal that closes, or by a `make` that was killed."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any, Final, Self

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None


class Wakeups:
    """Wakes up the main thread from the handler of a signal: each `set` ends one `wait`, this one or the next.

    The `set` of a `threading.Event` takes a lock, and the main thread may hold it when the handler runs in it.
    """

    def __init__(self) -> None:
        self._sent: SimpleQueue[None] = SimpleQueue()

    def set(self) -> None:
        """Ends a `wait`. Takes no lock."""
        self._sent.put(None)

    def wait(self, timeout: float | None = None) -> None:
        """Waits for a `set` that has ended no other `wait`, so many seconds at most."""
        with suppress(Empty):
            self._sent.get(timeout=timeout)

    def clear(self) -> None:
        """Forgets nothing: what was sent since the last `wait` has not been looked at."""


def forked_children_end_by(signums: Iterable[int]) -> None:
    """From now on these signals end a forked child from its first moment, until it has handlers of its own.

    It is born with the handlers of its parent, which would take note of a signal and go on.
    """
    signums = tuple(signums)

    def end_by_them() -> None:
        for signum in signums:
            signal.signal(signum, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signums)

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, signums),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, signums),
        after_in_child=end_by_them,
    )


@contextmanager
def exits_by(signums: Iterable[int]) -> Iterator[None]:
    """From now on the first of these signals ends this process by SystemExit, so that it does what it does at its end.

    Those behind it do not disturb that. The block ends by it in any case: what a handler raises in a finalizer is lost.
    Only in the main thread.
    """
    has_come = False

    def exit_in_order(_signum: int, _frame: FrameType | None) -> None:
        nonlocal has_come
        if not has_come:
            has_come = True
            raise SystemExit

    for signum in signums:
        signal.signal(signum, exit_in_order)
    yield
    if has_come:
        raise SystemExit


class StopRequest:
    """Collects the signals that ask this process to stop, while it is entered. Only in the main thread."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.signals: list[int] = []
        self._arrived = Wakeups()
        self._make_pid = os.getppid() if "MAKELEVEL" in environment else None
        self._former: dict[signal.Signals, Handler] = {}

    def __enter__(self) -> Self:
        for signum in STOP_SIGNALS:
            former = signal.getsignal(signum)
            if signum == signal.SIGHUP and former == signal.SIG_IGN:
                continue
            self._former[signum] = former
            signal.signal(signum, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for signum, former in self._former.items():
            signal.signal(signum, former)

    def _note(self, signum: int, _frame: FrameType | None) -> None:
        self.signals.append(signum)
        self._arrived.set()

    @property
    def is_hasty(self) -> bool:
        """Whether somebody waits at a terminal for the end, or has asked twice."""
        return len(self.signals) > 1 or any(signum != signal.SIGTERM for signum in self.signals)

    def wait(self, seconds: float) -> bool:
        """Waits for a new signal, so long at most; whether this process was asked to stop."""
        self._arrived.wait(seconds)
        if self._make_pid is not None and os.getppid() != self._make_pid:
            self.signals.append(signal.SIGHUP)
            self._make_pid = None
        return bool(self.signals)
