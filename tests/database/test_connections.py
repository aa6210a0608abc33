"""Connections to PostgreSQL: lent for a statement or a transaction, bounded, and none kept that leads nowhere."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DataError, IntegrityError, OperationalError, transaction

from gateway_clients.database import pool as pool_module
from gateway_clients.database import process_mode
from gateway_clients.database.breaker import database_breaker
from gateway_clients.database.postgresql.base import DatabaseWrapper
from tests.database.conftest import at_port, holding
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import wait_until
from tests.writes.servers import pgbouncer

Connect = Callable[..., DatabaseWrapper]
SERVER_PID = "SELECT pg_backend_pid()"
LOCK = "LOCK TABLE claims_submission IN ACCESS EXCLUSIVE MODE"
LOCKED = "SELECT count(*) FROM claims_submission"


def ask(database: DatabaseWrapper, statement: str, *given: Any) -> Any:
    with database.cursor() as cursor:
        cursor.execute(statement, given)
        return cursor.fetchone()[0]


@contextmanager
def atomic(database: DatabaseWrapper) -> Iterator[None]:
    """A transaction of this connection, which is none of the settings'."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transaction, "get_connection", lambda _using: database)
        block = transaction.Atomic(None, savepoint=True, durable=False)
        with block:
            yield


def test_a_connection_goes_back_behind_a_statement_and_behind_a_transaction(
    connect: Connect, database_url: str
) -> None:
    database = connect(database_url)
    pid = ask(database, SERVER_PID)
    assert database.connection is None

    with atomic(database):
        assert ask(database, SERVER_PID) == ask(database, SERVER_PID) == pid
        assert database.connection is not None
    assert database.connection is None
    with pytest.raises(DataError), atomic(database):
        ask(database, "SELECT 1 / 0")
    assert database.connection is None
    assert ask(database, SERVER_PID) == pid


def test_an_answer_that_says_no_costs_no_connection(connect: Connect, database_url: str) -> None:
    database = connect(database_url)
    pid = ask(database, SERVER_PID)
    with database.cursor() as cursor, pytest.raises(IntegrityError):
        cursor.execute("INSERT INTO gateway_clients_receivedevent (webhook_id, received_at) VALUES ('a', NULL)")
    assert ask(database, SERVER_PID) == pid


def test_more_threads_than_connections_take_turns(connect: Connect, database_url: str) -> None:
    ways = [connect(database_url, size=2) for _ in range(16)]
    with ThreadPoolExecutor(16) as threads:
        pids = list(threads.map(lambda way: ask(way, "SELECT pg_backend_pid() FROM pg_sleep(0.02)"), ways))
    assert (len(pids), len(set(pids)) <= 2) == (16, True)


@pytest.mark.alone
def test_a_pool_that_is_used_up_is_waited_for_a_second_and_a_quarter(connect: Connect, database_url: str) -> None:
    holder, other = connect(database_url, size=1), connect(database_url, size=1)
    with atomic(holder):
        ask(holder, SERVER_PID)
        began = time.monotonic()
        with pytest.raises(OperationalError, match="couldn't get a connection"):
            ask(other, SERVER_PID)
        assert 1.0 < time.monotonic() - began < 1.6
        # The server is well: it is the pool that is used up.
        wait_until(lambda: not database_breaker()._is_probing)
        assert not database_breaker().is_open
    assert ask(other, SERVER_PID) > 0


def test_a_kept_connection_that_the_server_closed_is_replaced_unseen(
    connect: Connect, database_url: str, ask_database: Callable[..., Any]
) -> None:
    database = connect(database_url)
    pid = ask(database, SERVER_PID)
    ask_database("SELECT pg_terminate_backend(%s)", pid)
    wait_until(lambda: ask_database("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid) == 0)
    assert ask(database, SERVER_PID) != pid


def test_a_connection_that_was_idle_for_long_is_not_used_again(connect: Connect, database_url: str) -> None:
    database = connect(database_url)
    pid = ask(database, SERVER_PID)
    assert ask(database, SERVER_PID) == pid
    (kept,) = database.pool._pool
    kept.returned_at -= pool_module.MOST_IDLE_SECONDS
    assert ask(database, SERVER_PID) != pid


def test_a_connection_that_has_come_of_age_is_replaced(connect: Connect, database_url: str) -> None:
    database = connect(database_url)
    pid = ask(database, SERVER_PID)
    assert database.pool.max_lifetime == pool_module.GREATEST_AGE_SECONDS
    (kept,) = database.pool._pool
    kept._expire_at = time.monotonic()
    # Its age is looked at when it comes back.
    assert ask(database, SERVER_PID) == pid
    assert ask(database, SERVER_PID) != pid


@pytest.mark.alone
def test_a_transaction_waits_for_a_lock_for_a_second_and_what_is_refused_has_not_happened(
    connect: Connect, database_url: str
) -> None:
    database = connect(database_url)
    with holding(database_url, LOCK):
        began = time.monotonic()
        with pytest.raises(OperationalError, match="lock timeout"), atomic(database):
            ask(database, LOCKED)
        assert 0.9 < time.monotonic() - began < 1.4
    assert not database_breaker().is_open


@pytest.mark.alone
def test_a_statement_waits_for_two_seconds_and_the_server_gives_it_up_too(
    connect: Connect, database_url: str, ask_database: Callable[..., Any]
) -> None:
    database = connect(database_url)
    with holding(database_url, LOCK):
        began = time.monotonic()
        with pytest.raises(OperationalError, match="did not carry this out within 2 s"):
            ask(database, LOCKED)
        assert 1.9 < time.monotonic() - began < 2.5
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE query = %s AND state = 'active'"
        wait_until(lambda: ask_database(waiting, LOCKED) == 0)
    # A lock is no silence: a probe was answered meanwhile.
    assert not database_breaker().is_open
    assert ask(database, LOCKED) >= 0


@pytest.mark.alone
@pytest.mark.parametrize("step", ["a new connection", "a statement", "a COMMIT"])
def test_a_frozen_server_is_waited_for_a_second_wherever_it_freezes(
    connect: Connect, database_url: str, proxy: TcpProxy, step: str
) -> None:
    database = connect(at_port(database_url, proxy.port))

    def freeze_and_go_on() -> None:
        if step == "a COMMIT":
            with atomic(database):
                ask(database, SERVER_PID)
                proxy.freeze()
        else:
            if step == "a statement":
                ask(database, SERVER_PID)
            proxy.freeze()
            ask(database, SERVER_PID)

    began = time.monotonic()
    with pytest.raises(OperationalError):
        freeze_and_go_on()
    assert 0.9 < time.monotonic() - began < 1.8
    began = time.monotonic()
    with pytest.raises(OperationalError, match="is down"):
        ask(database, SERVER_PID)
    assert time.monotonic() - began < 0.1

    proxy.thaw()
    wait_until(lambda: not database_breaker().is_open, seconds=5)
    assert ask(database, SERVER_PID) > 0


@pytest.mark.alone
def test_a_server_that_refuses_is_found_out_before_the_wait_for_a_connection_is_over(
    connect: Connect, free_port: Callable[[], int]
) -> None:
    database = connect(f"postgres://postgres@127.0.0.1:{free_port()}/none")
    began = time.monotonic()
    with pytest.raises(OperationalError, match="is down"):
        ask(database, SERVER_PID)
    assert time.monotonic() - began < 0.6
    assert database_breaker().is_open


def test_a_command_that_serves_nobody_has_a_plain_connection_without_limits(database_url: str) -> None:
    process_mode.stop_serving()
    given = {"NAME": database_url.rpartition("/")[2], "OPTIONS": {"pool": {"max_size": 2}}}
    assert DatabaseWrapper({**given, "CONN_MAX_AGE": 0}, "default").pool is None


def test_limits_hold_behind_pgbouncer_in_transaction_mode(connect: Connect, database_url: str) -> None:
    with pgbouncer(database_url) as url, holding(database_url, LOCK):
        # Two ways, one connection behind them: what one of them left in the session the other would meet.
        first, second = connect(url), connect(url)
        with atomic(first):
            assert ask(first, "SELECT current_setting('lock_timeout')") == "1s"
            assert ask(first, "SELECT current_setting('statement_timeout')") == "1500ms"
        assert ask(second, "SELECT current_setting('lock_timeout')") == "0"
        with pytest.raises(OperationalError, match="lock timeout"), atomic(second):
            ask(second, LOCKED)
        for _ in range(10):
            assert ask(first, "SELECT %s::int", 7) == ask(second, "SELECT %s::int", 7) == 7
