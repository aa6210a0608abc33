"""A call that cannot be multiplexed: a thread sends it, and the multiplexer waits for it like for an exchange."""

import select
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextvars import copy_context
from functools import partial
from typing import Final

from gateway_clients.errors import DeadlineExceededError, UpstreamCrowdedError, UpstreamTimeoutError
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.runtime.bell import Bell
from gateway_clients.runtime.thread_pools import submit
from gateway_clients.transport.messages import UpstreamResponse

#: Seconds past its deadline that a thread is waited for: the gateway's own adapter ends before.
GRACE_SECONDS: Final = 0.25


class ThreadedExchange:
    """Runs `send` on the executor, and rings the multiplexer's bell at its end.

    A call that a foreign adapter holds past its deadline counts as sent.
    """

    connection = None
    interest = select.POLLIN
    rings = True

    def __init__(
        self,
        service: str,
        send: Callable[[], UpstreamResponse],
        executor: Executor,
        deadline: Deadline,
        bell: Callable[[], Bell],
    ) -> None:
        self.deadline = deadline
        self.expires_at = deadline.at
        self.answer: UpstreamResponse | None = None
        self.error: Exception | None = None
        self.is_done = False
        self._service = service
        self._send = send
        self._executor = executor
        self._lock = threading.Lock()
        self._bell: Bell | None = bell()
        self._future: Future[UpstreamResponse] | None = None

    def start(self) -> None:
        """Hands the call to a thread, with a copy of this one's context; it fails where there is none for it."""
        self._future = submit(self._executor, partial(copy_context().run, self._send))
        if self._future is None:
            self.error = UpstreamCrowdedError(self._service)
            self._let_go_of_the_bell()
            self.is_done = True
            return
        self._future.add_done_callback(self._ring)

    def _ring(self, _: "Future[UpstreamResponse]") -> None:
        with self._lock:
            if self._bell is not None:
                self._bell.ring()

    def go_on(self) -> None:
        """Takes the answer or the error, if the thread has ended."""
        assert self._future is not None
        if not self._future.done():
            return
        self._let_go_of_the_bell()
        error = self._future.exception()
        if error is None:
            self.answer = self._future.result()
        elif isinstance(error, Exception):
            self.error = error
        else:
            raise error
        self.is_done = True

    def expire(self) -> None:
        """Cancels a call that no thread has begun; another has `GRACE_SECONDS` to end."""
        self.go_on()
        was_expected = self.expires_at > self.deadline.at
        self.expires_at = self.deadline.at + GRACE_SECONDS
        assert self._future is not None
        if was_expected or self._future.cancel():
            self.abandon()

    def abandon(self) -> None:
        """Drops the answer; the bell is not rung after this."""
        if self.is_done:
            return
        was_begun = self._future is not None and not self._future.cancel()
        self.error = (
            UpstreamTimeoutError(self._service, was_sent=True) if was_begun else DeadlineExceededError(self._service)
        )
        self._let_go_of_the_bell()
        self.is_done = True

    def _let_go_of_the_bell(self) -> None:
        """Keeps the thread, which may come to ring late, from a bell that is closed and whose number another has."""
        with self._lock:
            self._bell = None
