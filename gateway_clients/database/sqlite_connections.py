"""So many connections to SQLite stay open in a process that serves; each thread has one of its own, as Django has it.

A connection takes a quarter of a megabyte, and most of the threads of a crowd ask the database for little: with 192
threads they would take 50 MB. Those beyond are closed behind each request.
"""

import threading
from typing import Any, Final
from weakref import WeakSet

from django.core.signals import request_finished
from django.db import connections

from gateway_clients.database.process_mode import is_serving

MOST_KEPT: Final = 8


class _Keeper:
    """Stands for a thread that keeps its connection, for as long as the thread lives."""


_own: Final = threading.local()
_keepers: Final[WeakSet[_Keeper]] = WeakSet()
_lock: Final = threading.Lock()


def close_surplus(**_: Any) -> None:
    """Closes this thread's connections behind a request, unless it is among those that keep theirs."""
    for connection in connections.all(initialized_only=True):
        is_open = connection.vendor == "sqlite" and connection.connection is not None
        if is_open and is_serving() and not (connection.in_atomic_block or _is_keeper()):
            connection.close()


def _is_keeper() -> bool:
    if hasattr(_own, "keeper"):
        return True
    with _lock:
        if len(_keepers) >= MOST_KEPT:
            return False
        _own.keeper = _Keeper()
        _keepers.add(_own.keeper)
    return True


def connect() -> None:
    """Does so from now on."""
    request_finished.connect(close_surplus, dispatch_uid="gateway_clients.close_surplus")
