"""Being asked to stop: by Ctrl-C, by SIGTERM, by a terminal that closes, or by a `make` that was killed."""

import os
import signal
from collections.abc import Callable, Mapping
from threading import Event
from types import FrameType
from typing import Any, Final, Self

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None


class StopRequest:
    """Collects the signals that ask this process to stop, while it is entered. Only in the main thread."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.signals: list[int] = []
        self._arrived = Event()
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
        self._arrived.clear()
        if self._make_pid is not None and os.getppid() != self._make_pid:
            self.signals.append(signal.SIGHUP)
            self._make_pid = None
        return bool(self.signals)
