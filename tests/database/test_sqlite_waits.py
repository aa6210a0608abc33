"""How writers to SQLite wait for the lock that another process holds most of the time."""

import itertools
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_django
from django.db import OperationalError, connections

from gateway_clients.database.sqlite3 import base
from gateway_clients.database.sqlite3.base import DatabaseWrapper
from tests.support.pauses import pauses

#: Seconds that the lock is held, and free in between, as by a process that writes one batch behind another.
HELD_SECONDS, FREE_SECONDS = (0.004, 0.011, 0.006, 0.009, 0.007), 0.0015
WRITES = 60
LONGEST_SECONDS = 0.06
OPTIONS = {"transaction_mode": "IMMEDIATE", "timeout": 1, "init_command": "PRAGMA journal_mode=WAL"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "waits.sqlite3"


@pytest.fixture
def database(path: Path, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[DatabaseWrapper]:
    """A connection that has made a table `rows` with one column."""
    with django_db_blocker.unblock():
        made = opened(path)
        run(made, "CREATE TABLE rows (number integer UNIQUE)")
        yield made
        made.close()


def opened(path: Path) -> DatabaseWrapper:
    settings: dict[str, Any] = {
        "NAME": str(path), "OPTIONS": OPTIONS, "AUTOCOMMIT": True, "ATOMIC_REQUESTS": False, "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": False, "TIME_ZONE": None, "USER": "", "PASSWORD": "", "HOST": "", "PORT": "", "TEST": {},
    }  # fmt: skip
    made = DatabaseWrapper(settings, alias="waits")
    made.inc_thread_sharing()
    return made


def run(database: DatabaseWrapper, statement: str, parameters: tuple[object, ...] = ()) -> list[Any]:
    with database.cursor() as cursor:
        return list(cursor.execute(statement, parameters).fetchall())


@contextmanager
def lock_held(path: Path) -> Iterator[None]:
    """While somebody else writes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


@contextmanager
def busy_writer(path: Path) -> Iterator[threading.Event]:
    """Somebody who writes without a pause worth the name, and whether they hold the lock now."""
    is_over, is_held, seconds = threading.Event(), threading.Event(), itertools.cycle(HELD_SECONDS)

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as other:
            while not is_over.wait(FREE_SECONDS):
                other.execute("BEGIN IMMEDIATE")
                is_held.set()
                is_over.wait(next(seconds))
                is_held.clear()
                other.execute("ROLLBACK")

    thread = threading.Thread(target=write)
    thread.start()
    yield is_held
    is_over.set()
    thread.join()


@pytest.mark.alone
@pytest.mark.parametrize("is_transaction", [True, False], ids=["in a transaction", "by itself"])
def test_beside_one_who_writes_all_the_time_nobody_waits_long(
    database: DatabaseWrapper, path: Path, is_transaction: bool
) -> None:
    waits = []
    with busy_writer(path) as is_held, pauses() as own:
        for number in range(WRITES):
            assert is_held.wait(10)
            began = time.monotonic()
            if is_transaction:
                database.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
            run(database, "INSERT INTO rows VALUES (%s)", (number,))
            if is_transaction:
                database.commit()
                database.set_autocommit(True)
            waits.append(time.monotonic() - began)

    assert run(database, "SELECT count(*) FROM rows") == [(WRITES,)]
    assert max(waits) < LONGEST_SECONDS + own.longest_seconds


def test_who_waits_for_longer_than_the_timeout_is_told(database: DatabaseWrapper, path: Path) -> None:
    began = time.monotonic()
    with lock_held(path), pytest.raises(OperationalError, match="locked"):
        run(database, "INSERT INTO rows VALUES (1)")

    assert OPTIONS["timeout"] <= time.monotonic() - began
    assert run(database, "SELECT count(*) FROM rows") == [(0,)]


def test_a_view_that_is_too_old_to_write_is_told_at_once(
    database: DatabaseWrapper, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base.time, "sleep", lambda seconds: pytest.fail(f"waited for {seconds} s"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        run(database, "BEGIN DEFERRED")
        assert run(database, "SELECT count(*) FROM rows") == [(0,)]
        other.execute("INSERT INTO rows VALUES (1)")
        with pytest.raises(OperationalError, match="locked"):
            run(database, "INSERT INTO rows VALUES (2)")
        run(database, "ROLLBACK")

    assert run(database, "SELECT number FROM rows") == [(1,)]


def test_another_error_is_told_at_once(database: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base.time, "sleep", lambda seconds: pytest.fail(f"waited for {seconds} s"))

    with pytest.raises(OperationalError, match="no such table"):
        run(database, "INSERT INTO nowhere VALUES (1)")


def test_several_rows_wait_together_and_none_is_written_twice(
    database: DatabaseWrapper, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        def free_at_the_third(seconds: float) -> None:
            looks.append(seconds)
            if len(looks) == 3:
                other.execute("ROLLBACK")

        monkeypatch.setattr(base.time, "sleep", free_at_the_third)
        with database.cursor() as cursor:
            cursor.executemany("INSERT INTO rows VALUES (%s)", iter([(1,), (2,)]))

    assert len(looks) == 3
    assert run(database, "SELECT number FROM rows ORDER BY number") == [(1,), (2,)]


@pytest.mark.django_db
def test_the_shipped_settings_wait_so() -> None:
    assert isinstance(connections["default"], DatabaseWrapper)
    with connections["default"].cursor() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone() == (0,)
        assert cursor.cursor.patience_seconds == 2
