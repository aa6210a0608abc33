"""Floods of tries that are denied become rows with a count: none is forgotten, and the table does not grow by them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway_clients.audit.denials import MOST_KINDS, FoldedDenials
from gateway_clients.audit.entries import AuditRow, Outcome
from sandbox.testing import Sandbox
from tests.support.calls import at_once
from tests.support.gateway import RunningGateway
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

TRIES, THREADS = 40, 6


def a_try(number: int = 0, *, outcome: str = Outcome.DENIED, account_id: str = "7") -> AuditRow:
    return AuditRow(
        action="GET members/{member}",
        outcome=outcome,
        account_id=account_id,
        role="provider",
        member_id=f"m-{number}",
        request_id=f"r-{number}",
    )


def told(rows: list[AuditRow]) -> list[tuple[str, str, str, str, int]]:
    return [(row.account_id, row.role, row.member_id, row.outcome, row.count) for row in rows]


def test_the_first_of_a_kind_has_a_row_and_its_repeats_one_with_their_count() -> None:
    denials = FoldedDenials()

    firsts = [denials.is_first(a_try()) for _ in range(100)]

    assert (firsts.count(True), firsts[0]) == (1, True)
    assert told(denials.take()) == [("7", "provider", "m-0", "denied", 99)]
    assert denials.take() == []
    assert denials.is_first(a_try())


@pytest.mark.parametrize(
    "other", [a_try(1), a_try(account_id="8"), a_try(outcome=Outcome.NOT_FOUND), a_try(outcome=Outcome.UNAUTHENTICATED)]
)
def test_what_differs_is_of_another_kind(other: AuditRow) -> None:
    denials = FoldedDenials()

    assert denials.is_first(a_try())
    assert denials.is_first(other)
    assert denials.take() == []


def test_whoever_goes_through_all_members_is_counted_by_how_it_ended() -> None:
    denials = FoldedDenials()

    firsts = [denials.is_first(a_try(number)) for number in range(1000)]

    assert firsts == [True] * MOST_KINDS + [False] * (1000 - MOST_KINDS)
    assert told(denials.take()) == [("", "", "", "denied", 1000 - MOST_KINDS)]


@pytest.fixture
def served(tmp_path: Path, redis_server: RedisServer) -> Iterator[RunningGateway]:
    with Sandbox() as sandbox:
        gateway = RunningGateway(tmp_path, redis_url=redis_server.url, upstreams=sandbox.urls, WORKERS="1")
        gateway.await_ready()
        yield gateway
        gateway.remove()


def denied(database: Path, member_id: str) -> tuple[int, int]:
    """How many rows there are, and how many tries they stand for."""
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute(
            "SELECT count(*), coalesce(sum(count), 0) FROM gateway_clients_auditentry "
            "WHERE outcome = 'denied' AND member_id = ?",
            [member_id],
        )
        rows, tries = found.fetchone()
    return rows, tries


@pytest.mark.long
def test_a_flood_of_denied_tries_is_counted_to_the_last(served: RunningGateway) -> None:
    token = {"Authorization": f"Bearer {served.token('provider')}"}

    answers = at_once(
        THREADS, lambda: [served.ask("GET", "/api/v1/dashboard/m-1", headers=token).status for _ in range(TRIES)]
    )

    assert {status for each in answers for status in each.result} == {403}
    wait_until(lambda: denied(served.database, "m-1")[1] == TRIES * THREADS, seconds=5)
    assert denied(served.database, "m-1")[0] < TRIES * THREADS / 2
