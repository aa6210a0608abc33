"""The database's own breaker: it opens when the database is silent, and a probe in the background closes it again.

A wait for the database is no proof that it is down: a statement may be slow, or wait for a lock. So whoever has heard
nothing for half a second has another connection ask, and the breaker opens when nobody hears anything.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psycopg
import structlog

from gateway_clients.runtime.singletons import process_singleton

#: After so many seconds without an answer a probe asks whether the database answers at all.
DOUBT_SECONDS: Final = 0.5
#: After so many seconds in which the database answered nobody it counts as down.
SILENCE_SECONDS: Final = 1.0
PROBE_SECONDS: Final = 0.5
#: The database answers, and has no connection to give.
TOO_MANY_CONNECTIONS: Final = "53300"
log = structlog.get_logger(__name__)


class DatabaseDownError(psycopg.OperationalError):
    """The database is not asked at the moment, or has answered nobody for a second."""


class DatabaseBreaker:
    """Opens when the database answers none of this process's threads. `clock` in seconds.

    `probe` asks the database something on a connection of its own, and raises what that raises; the backend sets it
    when it makes its pool.
    """

    def __init__(
        self,
        probe: Callable[[], object] = lambda: None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.probe = probe
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._heard_at = float("-inf")
        self._opened_at = float("-inf")
        self._is_open = False
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        """True while the database is not asked."""
        return self._is_open

    @property
    def opened_at(self) -> float:
        """When it last opened, on `clock`; connections that are older than that lead nowhere."""
        return self._opened_at

    def refuse(self) -> None:
        """Raises DatabaseDownError while it is open."""
        if self._is_open:
            if not self._is_probing:
                self.doubt()
            raise DatabaseDownError("The database is down; it is not asked until a probe has had an answer.")

    def heard(self) -> None:
        """Notes that the database has answered."""
        self._heard_at = self._clock()

    def look(self, waiting_since: float) -> None:
        """Somebody has waited since then and goes on waiting. Raises DatabaseDownError when there is no use in it."""
        self.refuse()
        silent_seconds = self._clock() - max(waiting_since, self._heard_at)
        if silent_seconds >= SILENCE_SECONDS:
            self._open("silent")
            self.refuse()
        if silent_seconds >= DOUBT_SECONDS:
            self.doubt()

    def doubt(self) -> None:
        """A connection was refused or lost, or is silent: a probe finds out what that means."""
        with self._lock:
            self._begin_probing()

    def _open(self, reason: str) -> None:
        with self._lock:
            if not self._is_open:
                self._is_open = True
                self._opened_at = self._clock()
                log.warning("database.down", reason=reason)
            self._begin_probing()

    def _begin_probing(self) -> None:
        """Starts the probe, under the lock. Where it gets no thread, the next who is refused starts it."""
        if not self._is_probing:
            with suppress(RuntimeError):
                threading.Thread(target=self._probe_until_up, name="database-probe", daemon=True).start()
                self._is_probing = True

    def _probe_until_up(self) -> None:
        while True:
            began_at = self._clock()
            reason = self._trouble()
            if reason is None or (self._heard_at > began_at and not self._is_open):
                self._close()
                return
            self._open(reason)
            self._sleep(PROBE_SECONDS)

    def _trouble(self) -> str | None:
        try:
            self.probe()
        except psycopg.Error as error:
            return None if error.sqlstate == TOO_MANY_CONNECTIONS else type(error).__name__
        except Exception as error:  # noqa: BLE001 - the breaker stays open, whatever keeps the probe from its answer
            return type(error).__name__
        return None

    def _close(self) -> None:
        with self._lock:
            self._is_probing = False
            self._heard_at = self._clock()
            if self._is_open:
                self._is_open = False
                log.info("database.up")


@process_singleton
def database_breaker() -> DatabaseBreaker:
    """The breaker of this process."""
    return DatabaseBreaker()
