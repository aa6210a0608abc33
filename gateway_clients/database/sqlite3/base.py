"""The backend as Django loads it: `ENGINE = "gateway_clients.database.sqlite3"`.

SQLite lets one connection write at a time. Whoever finds it taken would look again after 1, 2, 5 and at last every
100 ms (`sqlite3_busy_timeout`), and beside another process that writes without a pause it loses for half a second.
Here it looks every millisecond, for as long as the option `timeout` says.
"""

import sqlite3
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.db.backends.sqlite3 import base

R = TypeVar("R")
LOOK_SECONDS: Final = 0.001
#: What Python's `sqlite3.connect` has where nobody says it.
USUAL_SECONDS: Final = 5.0
#: The bits of SQLite's code for a kind of error; the others say more of it (sqlite.org/rescode.html).
PRIMARY_CODE: Final = 0xFF


class _WaitingCursor(base.SQLiteCursorWrapper):
    """Tries a statement again while another connection holds the lock that it needs."""

    patience_seconds = USUAL_SECONDS

    def execute(self, query: str, params: Any = None) -> Any:
        """Executes a statement. Raises sqlite3.Error."""
        return self._patiently(lambda: super(_WaitingCursor, self).execute(query, params))

    def executemany(self, query: str, param_list: Any) -> Any:
        """Executes a statement for each row. Raises sqlite3.Error; one that comes behind written rows at once."""
        rows, before = list(param_list), self.connection.total_changes
        return self._patiently(
            lambda: super(_WaitingCursor, self).executemany(query, rows),
            may_repeat=lambda: self.connection.total_changes == before,
        )

    def _patiently(self, run: Callable[[], R], *, may_repeat: Callable[[], bool] = lambda: True) -> R:
        give_up_at = time.monotonic() + self.patience_seconds
        while True:
            try:
                return run()
            except sqlite3.OperationalError as error:
                if not _is_taken(error) or not may_repeat() or time.monotonic() >= give_up_at:
                    raise
            time.sleep(LOOK_SECONDS)


def _is_taken(error: sqlite3.OperationalError) -> bool:
    """Whether another connection holds the lock; of a view that is too old to write, waiting makes no newer one."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & PRIMARY_CODE == sqlite3.SQLITE_BUSY and code != sqlite3.SQLITE_BUSY_SNAPSHOT


class DatabaseWrapper(base.DatabaseWrapper):
    """One thread's connection."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Opens a connection that does not wait by itself."""
        connection = super().get_new_connection(conn_params)
        connection.execute("PRAGMA busy_timeout = 0")
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        """Makes a cursor that waits for the lock."""
        cursor = self.connection.cursor(factory=_WaitingCursor)
        cursor.patience_seconds = float(self.settings_dict["OPTIONS"].get("timeout", USUAL_SECONDS))
        return cursor
