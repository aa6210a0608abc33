"""The lease under which a process answers from its near cache: it has handled all messages of the others."""

import threading
import time
from collections.abc import Callable
from typing import Final

Clock = Callable[[], float]
#: The name of the epoch before the first is known.
NO_EPOCH: Final = ""


class Lease:
    """The lease of one process, and the number of the last message that it has handled, in an epoch of the channel.

    Times are seconds of the monotonic clock. A lease is valid from before its renewal was sent, and only once all
    messages that were sent before the renewal are handled. A process that missed a message has no lease.
    """

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._valid_until = float("-inf")
        self._epoch = NO_EPOCH
        self._number = 0
        self._wanted: tuple[str, int, float] | None = None
        self._behind_since = float("inf")

    @property
    def is_valid(self) -> bool:
        """Whether this process holds the lease now."""
        return self._clock() < self._valid_until

    @property
    def behind_seconds(self) -> float:
        """Seconds for which messages that were sent have not arrived."""
        return max(0.0, self._clock() - self._behind_since)

    @property
    def is_begun(self) -> bool:
        """Whether the lease was taken since `begin`."""
        return self._epoch != NO_EPOCH

    @property
    def position(self) -> tuple[str, int]:
        """The epoch, and the number of the last message that was handled."""
        with self._lock:
            return self._epoch, self._number

    def begin(self) -> None:
        """Begins to listen: messages before this moment may have been missed."""
        with self._lock:
            self._valid_until = float("-inf")
            self._epoch, self._number, self._wanted = NO_EPOCH, 0, None
            self._behind_since = float("inf")

    def is_next(self, epoch: str, number: int) -> bool:
        """Whether no message was missed before this one."""
        with self._lock:
            return (epoch, number) == (self._epoch, self._number + 1)

    def done(self, epoch: str, number: int) -> None:
        """Records that a message was handled; a renewal that waited for it is valid from now on."""
        with self._lock:
            self._epoch, self._number = epoch, number
            if self._wanted is not None:
                self._take(*self._wanted)

    def renewed(self, epoch: str, number: int, valid_until: float) -> bool:
        """Takes a renewal made after message `number`; returns whether it is valid, or will be once that is handled.

        The first renewal after `begin` is where this process begins to listen: it keeps nothing older. Returns False
        when the channel has begun another epoch.
        """
        with self._lock:
            if self._epoch == NO_EPOCH:
                self._epoch, self._number = epoch, number
            if epoch != self._epoch:
                return False
            self._take(epoch, number, valid_until)
            return True

    def _take(self, epoch: str, number: int, valid_until: float) -> None:
        if epoch == self._epoch and number <= self._number:
            self._valid_until = max(self._valid_until, valid_until)
            self._wanted, self._behind_since = None, float("inf")
        else:
            self._wanted, self._behind_since = (epoch, number, valid_until), min(self._behind_since, self._clock())
