"""A connection to PostgreSQL that waits for nothing without a limit, whatever the server or the way to it does.

The limit is kept on this side, since a server that is frozen keeps none, and no session's settings get lost behind
PgBouncer. Within transactions the server has limits of its own as well (`SET LOCAL`), shorter ones, so that what is
refused has really not happened.
"""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any, Final, TypeVar

import psycopg
from psycopg import generators, pq, waiting

from gateway_clients.database.breaker import DatabaseDownError, database_breaker
from gateway_clients.instrumentation.trips import note_database_trip
from gateway_clients.runtime.start_gate import start_gate

#: Seconds that a statement or a COMMIT may take.
STATEMENT_SECONDS: Final = 2.0
#: Seconds that the server may take for a statement within a transaction, and wait in it for a lock.
SERVER_STATEMENT_SECONDS: Final = 1.5
SERVER_LOCK_SECONDS: Final = 1.0
#: Seconds after which the server ends a transaction whose client is frozen, or gone without a word.
SERVER_IDLE_SECONDS: Final = 10.0
#: How often a thread that waits looks at the clock.
TICK_SECONDS: Final = 0.1
CANCEL_SECONDS: Final = 2.0
LIMIT_TRANSACTION: Final = "SELECT " + ", ".join(
    f"set_config('{name}', '{int(seconds * 1000)}', true)"
    for name, seconds in {
        "statement_timeout": SERVER_STATEMENT_SECONDS,
        "lock_timeout": SERVER_LOCK_SECONDS,
        "idle_in_transaction_session_timeout": SERVER_IDLE_SECONDS,
    }.items()
)
R = TypeVar("R")
#: What psycopg has its waits do: it yields what it waits for, and is sent what has come; 0: nothing yet.
Steps = Generator[Any, Any, R]


class DatabaseSlowError(psycopg.OperationalError):
    """The database answers others, but this statement has taken too long; the connection is closed."""


class BoundedConnection(psycopg.Connection[Any]):
    """Every wait ends within `STATEMENT_SECONDS`, sooner when the database answers nobody."""

    #: When it was made, or the pool last took it back, in seconds of the monotonic clock.
    returned_at: float

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> "BoundedConnection":
        """Connects. Raises DatabaseDownError while the breaker is open, and as psycopg does."""
        breaker = database_breaker()
        breaker.refuse()
        try:
            connection = super().connect(*args, **kwargs)
        except psycopg.Error:
            breaker.doubt()
            raise
        breaker.heard()
        connection.returned_at = time.monotonic()
        return connection

    def wait(self, gen: Steps[R], interval: float = TICK_SECONDS, timeout: float | None = None) -> R:
        """Carries out what psycopg wants. Raises DatabaseDownError, DatabaseSlowError, and as psycopg does.

        After either of the two the connection is closed: nobody knows what became of the statement.
        """
        breaker = database_breaker()
        breaker.refuse()
        began_at = time.monotonic()

        def look() -> None:
            breaker.look(began_at)
            if time.monotonic() - began_at >= STATEMENT_SECONDS:
                raise DatabaseSlowError(f"The database did not carry this out within {STATEMENT_SECONDS:.0f} s.")

        outcome = "ok"
        try:
            return super().wait(_watched(gen, look, breaker.heard), min(interval, TICK_SECONDS), timeout)
        except DatabaseSlowError:
            outcome = "slow"
            self._cancel()
            self.pgconn.finish()
            raise
        except DatabaseDownError:
            outcome = "down"
            self.pgconn.finish()
            raise
        except psycopg.Error:
            outcome = "refused"
            if self.pgconn.status == pq.ConnStatus.BAD:
                outcome = "down"
                breaker.doubt()
            raise
        finally:
            note_database_trip(began_at, outcome)

    def _cancel(self) -> None:
        """Has the server give up the statement; who waited for it does not wait for that."""
        with suppress(psycopg.Error):
            order = self.pgconn.cancel_conn()
            threading.Thread(target=_send, args=(order,), name="database-cancel", daemon=True).start()


def _send(order: Any) -> None:
    with suppress(psycopg.Error, OSError):
        order.start()
        waiting.wait_conn(generators.cancel(order), interval=TICK_SECONDS, timeout=CANCEL_SECONDS)


def _watched(steps: Steps[R], look: Callable[[], None], heard: Callable[[], None]) -> Steps[R]:
    """The same steps, while another thread serves portals.

    `look` is called whenever nothing has come for a tick, `heard` when the server has answered.
    """
    try:
        wanted = next(steps)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # it was done without the server
    try:
        with start_gate().waiting_for_others():
            while True:
                come = yield wanted
                if not come:
                    look()
                wanted = steps.send(come)
    except StopIteration as end:
        heard()
        return end.value  # type: ignore[no-any-return]  # a generator's value is untyped here
    except (DatabaseDownError, DatabaseSlowError):
        steps.close()
        raise
    except psycopg.Error as error:
        if error.sqlstate is not None:
            heard()
        raise
