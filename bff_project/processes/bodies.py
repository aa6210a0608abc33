"""Bodies of requests, read from the HTTP server with a clock: so many threads may wait for one, none of them for long.

The server hands a body on as it comes, and waits without end for one that does not. Behind the shipped nginx, which
reads bodies first, nobody waits here but for documents, which it passes through.
"""

import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from gateway_clients.errors import GatewayOverloadedError

#: Seconds that a body, or the next piece of one that is read in pieces, may take.
MOST_SECONDS: Final = 10.0
#: Seconds after which one gives its place to another that has just begun.
PATIENCE_SECONDS: Final = 1.0


class Input(Protocol):
    """What the server gives to read a body from."""

    def read(self, size: int | None = None) -> bytes: ...


class Waiting:
    """One thread that waits for a client's body, since `began_at`."""

    __slots__ = ("began_at", "client", "is_given_up")

    def __init__(self, client: str, began_at: float) -> None:
        self.client = client
        self.began_at = began_at
        self.is_given_up = False


class BodyPlaces:
    """The threads that wait for bodies: `most` of them for more than a moment, `crowd` for no longer than that.

    Honest clients that send head and body apart come in crowds, too.

    `hang_up` is called to end the wait for a client's body, with the seconds that it lasted; the wait is over when the
    server notices.
    """

    def __init__(
        self,
        most: int,
        *,
        hang_up: Callable[[str, float], object],
        crowd: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._crowd = max(most, crowd)
        self._hang_up = hang_up
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: set[Waiting] = set()

    def enter(self, client: str, *, is_begun: bool) -> Waiting:
        """A thread begins to wait; one whose body has begun to come needs no place.

        Raises GatewayOverloadedError when too many wait and none of them has for long.
        """
        waiting = Waiting(client, self._clock())
        with self._lock:
            if is_begun or sum(not each.is_given_up for each in self._waiting) < self._crowd:
                self._waiting.add(waiting)
                return waiting
            longest = min((each for each in self._waiting if not each.is_given_up), key=lambda each: each.began_at)
            if waiting.began_at - longest.began_at < PATIENCE_SECONDS:
                raise GatewayOverloadedError
            longest.is_given_up = True
            self._waiting.add(waiting)
        self._end(longest)
        return waiting

    def leave(self, waiting: Waiting) -> None:
        """Its wait is over."""
        with self._lock:
            self._waiting.discard(waiting)

    def end_late_waits(self) -> None:
        """Ends the waits that have lasted too long; those that were to end and did not, once more.

        Of those that wait for more than a moment `most` go on, the youngest.
        """
        now = self._clock()
        late, impatient = now - MOST_SECONDS, now - PATIENCE_SECONDS
        with self._lock:
            ended = [each for each in self._waiting if each.is_given_up or each.began_at <= late]
            slow = [each for each in self._waiting if each not in ended and each.began_at <= impatient]
            slow.sort(key=lambda each: each.began_at)
            ended += slow[: max(0, len(slow) - self._most)]
            for each in ended:
                each.is_given_up = True
        for each in ended:
            self._end(each)

    def _end(self, waiting: Waiting) -> None:
        self._hang_up(waiting.client, self._clock() - waiting.began_at)


class ClockedBody:
    """A body as WSGI has it, for a thread that may not wait for it without end."""

    __slots__ = ("_client", "_input", "_is_begun", "_places")

    def __init__(self, body: Input, places: BodyPlaces, client: str) -> None:
        self._input = body
        self._places = places
        self._client = client
        self._is_begun = False

    def read(self, size: int | None = None) -> bytes:
        """So many bytes, or all of them. Raises GatewayOverloadedError, and OSError when they did not come in time."""
        waiting = self._places.enter(self._client, is_begun=self._is_begun)
        try:
            read = self._input.read(size)
        finally:
            self._places.leave(waiting)
        if waiting.is_given_up:
            raise TimeoutError("The body did not come in time")
        self._is_begun = True
        return read

    def readline(self, size: int | None = None) -> bytes:
        """The next line, or all that is left without one, up to so many bytes."""
        line = bytearray()
        while (size is None or len(line) < size) and not line.endswith(b"\n") and (byte := self.read(1)):
            line += byte
        return bytes(line)
