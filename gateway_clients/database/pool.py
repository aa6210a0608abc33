"""The pool of this process's connections to PostgreSQL; it keeps none that is old, idle for long, or dead."""

import select
import time
from contextlib import suppress
from typing import Any, Final

from psycopg_pool import ConnectionPool, PoolTimeout

from gateway_clients.database.breaker import SILENCE_SECONDS, database_breaker
from gateway_clients.database.connection import BoundedConnection
from gateway_clients.runtime.poll import wait_readable
from gateway_clients.runtime.start_gate import start_gate

#: Long enough for a connection that lies ready.
AT_ONCE_SECONDS: Final = 0.0002
#: Seconds between a waiting thread's looks at whether there is any use in it, and how long it waits: past the silence
#: that opens the breaker, so that it learns of that.
LOOK_SECONDS: Final = 0.25
WAIT_SECONDS: Final = SILENCE_SECONDS + LOOK_SECONDS
#: A firewall forgets a connection that nothing went over for longer; seconds.
MOST_IDLE_SECONDS: Final = 20.0
GREATEST_AGE_SECONDS: Final = 600.0
#: Seconds for which the pool itself goes on trying to replace a connection; later ones are made when they are wanted.
RECONNECT_SECONDS: Final = 1.0


class LendingPool(ConnectionPool[BoundedConnection]):
    """Lends a connection for a statement or a transaction."""

    def __init__(self, *, size: int, **options: Any) -> None:
        super().__init__(
            min_size=0,
            max_size=size,
            open=False,
            connection_class=BoundedConnection,
            timeout=WAIT_SECONDS,
            max_idle=MOST_IDLE_SECONDS,
            max_lifetime=GREATEST_AGE_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
            **options,
        )

    def getconn(self, timeout: float | None = None) -> BoundedConnection:
        """A connection that can be used. Raises DatabaseDownError while the breaker is open, and PoolTimeout."""
        database_breaker().refuse()
        with suppress(PoolTimeout):
            return self._usable(AT_ONCE_SECONDS)
        with start_gate().waiting_for_others():
            return self._awaited(self.timeout if timeout is None else timeout)

    def _awaited(self, seconds: float) -> BoundedConnection:
        began_at = time.monotonic()
        while True:
            left = began_at + seconds - time.monotonic()
            try:
                return self._usable(min(left, LOOK_SECONDS))
            except PoolTimeout:
                database_breaker().look(began_at)
                if left <= LOOK_SECONDS:
                    raise

    def _usable(self, seconds: float) -> BoundedConnection:
        while not is_usable(connection := super().getconn(timeout=seconds)):
            connection.pgconn.finish()
            super().putconn(connection)
        return connection

    def putconn(self, conn: BoundedConnection) -> None:
        """Takes a connection back."""
        conn.returned_at = time.monotonic()
        super().putconn(conn)


def is_usable(connection: BoundedConnection) -> bool:
    """True for a connection of use. Input on an idle one means that the server has closed it."""
    idle_since = connection.returned_at
    if idle_since + MOST_IDLE_SECONDS <= time.monotonic() or idle_since <= database_breaker().opened_at:
        return False
    return not wait_readable([(connection.pgconn.socket, select.POLLIN)], 0)
