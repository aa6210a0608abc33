"""The backend as Django loads it: `ENGINE = "gateway_clients.database.postgresql"`.

In a process that serves, a thread has a connection for the time of a statement or a transaction: between them it waits
for upstreams, which is far longer, and whoever keeps a connection meanwhile keeps others from it. As behind PgBouncer
in transaction mode, nothing may be left in a session.
"""

import threading
from collections.abc import Callable
from typing import Any, ClassVar, Final

import psycopg
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper

from gateway_clients.database.breaker import database_breaker
from gateway_clients.database.connection import LIMIT_TRANSACTION, STATEMENT_SECONDS
from gateway_clients.database.pool import LendingPool
from gateway_clients.database.process_mode import is_serving

_making: Final = threading.Lock()


class _ReturningCursor(CursorWrapper):
    """Says when it is closed: behind the last one the connection goes back."""

    def __init__(self, cursor: Any, db: "DatabaseWrapper") -> None:
        super().__init__(cursor, db)
        self.lease = db.open_cursor()

    def close(self) -> None:
        """Closes the connection, or gives it back to the pool."""
        try:
            self.cursor.close()
        finally:
            self.db.close_cursor(self.lease)


class _ReturningDebugCursor(base.CursorDebugWrapper, _ReturningCursor):
    """The same where queries are logged."""


class _ProbeConnection(psycopg.Connection[Any]):
    """Waits no longer than anybody else, and asks no breaker."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = STATEMENT_SECONDS) -> Any:
        """Carries out what psycopg wants. Raises as it does."""
        return super().wait(gen, interval, STATEMENT_SECONDS if timeout is None else timeout)


class DatabaseWrapper(base.DatabaseWrapper):
    """One thread's way to the database."""

    _connection_pools: ClassVar[dict[str, LendingPool]]
    _configure_connection: Callable[[Any], bool]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lease = object()
        self._open_cursors = 0
        self._is_connecting = False

    @property
    def pool(self) -> LendingPool | None:
        """This process's pool, made when first asked for; None in a process that does not serve."""
        if self.alias == NO_DB_ALIAS or not is_serving():
            return None
        kept = self._connection_pools.get(self.alias)
        if kept is not None:
            return kept
        with _making:
            if self.alias not in self._connection_pools:
                self._connection_pools[self.alias] = self._made_pool()
            return self._connection_pools[self.alias]

    def _made_pool(self) -> LendingPool:
        parameters = {**super().get_connection_params(), "autocommit": True}

        def ask() -> None:
            with _ProbeConnection.connect(**parameters) as connection:
                connection.execute("SELECT 1")

        database_breaker().probe = ask
        size: int = self.settings_dict["OPTIONS"]["pool"]["max_size"]
        pool = LendingPool(size=size, kwargs=parameters, configure=self._configure_connection)
        pool.open()
        return pool

    def get_connection_params(self) -> dict[str, Any]:
        """The parameters of a connection, with the pool's."""
        if self.pool is not None:
            return {}
        parameters: dict[str, Any] = super().get_connection_params()
        return parameters

    def connect(self) -> None:
        """Takes a connection, from the pool where there is one."""
        self._lease, self._open_cursors = object(), 0
        self._is_connecting = True
        try:
            super().connect()
        finally:
            self._is_connecting = False

    def set_autocommit(self, autocommit: bool, *args: Any, **kwargs: Any) -> None:
        """Begins a transaction or ends one; behind it the connection goes back."""
        super().set_autocommit(autocommit, *args, **kwargs)
        self._give_back()

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]  # the stubs leave it out
        if not autocommit and self.pool is not None:
            try:
                with self.wrap_database_errors:
                    self.connection.execute(LIMIT_TRANSACTION)
            except Exception:
                self.close()
                raise

    def make_cursor(self, cursor: Any) -> CursorWrapper:
        """A cursor that gives the connection back."""
        return _ReturningCursor(cursor, self)

    def make_debug_cursor(self, cursor: Any) -> base.CursorDebugWrapper:
        """The same, and it logs."""
        return _ReturningDebugCursor(cursor, self)

    def open_cursor(self) -> object:
        """A cursor begins; what it is to give to `close_cursor`."""
        self._open_cursors += 1
        return self._lease

    def close_cursor(self, lease: object) -> None:
        """A cursor is closed; it may be one of an earlier connection, or closed already."""
        if lease is self._lease and self._open_cursors:
            self._open_cursors -= 1
            self._give_back()

    def _give_back(self) -> None:
        is_in_use = self._is_connecting or self._open_cursors or self.in_atomic_block or not self.autocommit
        if self.connection is not None and not is_in_use and self.pool is not None:
            self.close()
