"""How many of this process's server threads run: as few as keep the interpreter busy.

Python runs one thread at a time, and those that run beside it cost more than they bring: they are woken in turn,
fight for the interpreter's lock and drive each other's data out of the caches. Measured with 16 connections: two
workers of 32 threads answer 1.2 to 1.4 times as many requests with two of them running, and 1.05 to 1.15 times as many
as that with one. But who waits for an upstream must keep nobody waiting. So a thread that has answered parks
while another runs, and one that waits, or has been at a request for long, has another called in its place.
"""

import threading
import time
import weakref
from _thread import LockType, allocate_lock
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

from gateway_clients.runtime.singletons import process_singleton

#: Who computes; whoever waits is not counted.
MOST_RUNNING: Final = 1
#: Seconds that a thread waits, for Redis or an upstream beside it say, before another is called in its place.
SHORT_WAIT_SECONDS: Final = 0.00015
#: A thread that has been at one request for so long is taken to be waiting for something.
PATIENCE_SECONDS: Final = 0.025
NOWHERE: Final = nullcontext()


def _taken_lock() -> LockType:
    lock = allocate_lock()
    lock.acquire()
    return lock


@dataclass(eq=False, slots=True, weakref_slot=True)
class _ServerThread:
    """One server thread: idle or at a request, running, blocked, or parked on its lock."""

    park_lock: LockType = field(default_factory=_taken_lock)
    is_busy: bool = False
    is_blocked: bool = False
    began_at: float = 0.0


class _Blocked(AbstractContextManager[None]):
    """For the time of a wait the member does not count as running."""

    def __init__(self, gate: "ThreadGate", member: _ServerThread) -> None:
        self._gate = gate
        self._member = member

    def __enter__(self) -> None:
        self._gate.leave(self._member)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gate.come_back(self._member)


class ThreadGate:
    """The server threads. Threads that never `begin` a request are none of them, and nothing is done for them.

    `clock` in seconds.
    """

    def __init__(
        self,
        *,
        most_running: int = MOST_RUNNING,
        patience_seconds: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most_running = most_running
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._lock = threading.RLock()
        self._own = threading.local()
        self._members: weakref.WeakSet[_ServerThread] = weakref.WeakSet()
        self._running = 0
        self._parked: list[_ServerThread] = []
        self._overseer: threading.Thread | None = None

    @property
    def parked(self) -> int:
        """How many park."""
        return len(self._parked)

    def begin(self) -> None:
        """The calling thread has a request to serve."""
        member: _ServerThread | None = getattr(self._own, "member", None)
        if member is None:
            member = self._own.member = self._joined()
        member.began_at = self._clock()
        member.is_busy = True

    def _joined(self) -> _ServerThread:
        member = _ServerThread()
        weakref.finalize(member, self._forget).atexit = False
        with self._lock:
            self._members.add(member)
            self._running += 1
        return member

    def _forget(self) -> None:
        """A thread has ended: the server ends those that were idle for long."""
        with self._lock:
            self._running -= 1
            self._call()

    def end(self, *, may_park: bool) -> None:
        """The calling thread's request is answered, and it parks until it is called, if it may and enough run."""
        member: _ServerThread | None = getattr(self._own, "member", None)
        if member is None or not member.is_busy:
            return
        with self._lock:
            member.is_busy = False
            self._stay(member)
            if not may_park or self._running <= self._most_running:
                return
            self._running -= 1
            self._parked.append(member)
            if self._overseer is None:
                self._overseer = threading.Thread(target=self._oversee, name="gate", daemon=True)
                self._overseer.start()
        member.park_lock.acquire()

    def blocked(self) -> AbstractContextManager[None]:
        """While the calling thread waits for somebody else: another serves in its place."""
        member: _ServerThread | None = getattr(self._own, "member", None)
        return NOWHERE if member is None or not member.is_busy else _Blocked(self, member)

    def leave(self, member: _ServerThread) -> None:
        """The member begins to wait."""
        with self._lock:
            if not member.is_blocked:
                member.is_blocked = True
                self._running -= 1
                self._call()

    def come_back(self, member: _ServerThread) -> None:
        """The member goes on."""
        with self._lock:
            self._stay(member)
            member.began_at = self._clock()

    def _stay(self, member: _ServerThread) -> None:
        if member.is_blocked:
            member.is_blocked = False
            self._running += 1

    def _call(self) -> None:
        while self._parked and self._running < self._most_running:
            self._running += 1
            self._parked.pop().park_lock.release()

    def mark_stuck(self) -> None:
        """Takes those who have been at a request for long to be away."""
        with self._lock:
            late = self._clock() - self._patience_seconds
            for member in self._members:
                if member.is_busy and member.began_at < late:
                    self.leave(member)

    def _oversee(self) -> None:
        while True:
            time.sleep(self._patience_seconds / 2)
            self.mark_stuck()


@process_singleton
def thread_gate() -> ThreadGate:
    """This process's."""
    return ThreadGate()
