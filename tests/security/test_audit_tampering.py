"""Whatever is changed in the audit trail's tables without the key is refused by the database, or found."""

import datetime
import time

import pytest
from django.db import DatabaseError, connection, transaction
from structlog.testing import capture_logs

from gateway_clients.audit import verification
from gateway_clients.audit.chain import EPOCH
from gateway_clients.audit.recorder import Recorder
from gateway_clients.audit.retention import drop_before
from gateway_clients.audit.verification import Head, verify
from gateway_clients.models import AuditChain, AuditEntry
from tests.security.audit_chains import CHAIN, ENTRY, chain_id, change, found, look, written


@pytest.mark.parametrize(
    ("statement", "numbers"),
    [
        (f"UPDATE {ENTRY} SET member_id = 'm-9' WHERE chain_id = %d AND number = 2", [2]),
        (f"UPDATE {ENTRY} SET account_id = '8' WHERE chain_id = %d AND number = 5", [5]),
        (f"UPDATE {ENTRY} SET at = '2026-01-01 00:00:00' WHERE chain_id = %d AND number = 3", [3]),
        (f"UPDATE {ENTRY} SET origins = 'cache', count = 2 WHERE chain_id = %d AND number = 3", [3]),
        (f"DELETE FROM {ENTRY} WHERE chain_id = %d AND number = 3", [3]),
        (f"DELETE FROM {ENTRY} WHERE chain_id = %d AND number IN (1, 2)", [1]),
        (f"DELETE FROM {ENTRY} WHERE chain_id = %d AND number >= 4", [4]),
        (f"DELETE FROM {ENTRY} WHERE chain_id = %d", [1]),
    ],
)
def test_a_changed_or_removed_row_is_found(trail: Recorder, statement: str, numbers: list[int]) -> None:
    name = written(trail)

    change(statement % chain_id(name))

    assert [number for number, _ in found(name)] == numbers


def test_two_rows_that_changed_places_are_found(trail: Recorder) -> None:
    name = written(trail)
    chain = chain_id(name)

    change(
        f"UPDATE {ENTRY} SET number = 900 WHERE chain_id = {chain} AND number = 2",
        f"UPDATE {ENTRY} SET number = 2 WHERE chain_id = {chain} AND number = 3",
        f"UPDATE {ENTRY} SET number = 3 WHERE chain_id = {chain} AND number = 900",
    )

    assert [number for number, _ in found(name)] == [2, 3, 4]


def test_rows_cut_off_with_the_chain_made_to_fit_are_found_by_its_seal(trail: Recorder) -> None:
    name = written(trail)
    chain, mac = chain_id(name), AuditEntry.objects.get(chain__name=name, number=3).mac

    change(
        f"DELETE FROM {ENTRY} WHERE chain_id = {chain} AND number > 3",
        f"UPDATE {CHAIN} SET length = 3, mac = x'{bytes(mac).hex()}' WHERE id = {chain}",
    )

    assert found(name) == [(None, "its length or what else it says of itself was changed.")]


def test_an_older_copy_of_chain_and_rows_is_found_by_the_heads_in_the_log(trail: Recorder) -> None:
    name = written(trail, 3)
    chain = chain_id(name)
    old = AuditChain.objects.get(name=name)
    with capture_logs() as logs:
        trail.commit([look("m-4"), look("m-5")])
    (head,) = [Head(each["chain"], each["length"], each["mac"]) for each in logs if each["event"] == "audit.head"]

    change(
        f"DELETE FROM {ENTRY} WHERE chain_id = {chain} AND number > 3",
        f"UPDATE {CHAIN} SET length = 3, mac = x'{bytes(old.mac).hex()}', seal = x'{bytes(old.seal).hex()}' "
        f"WHERE id = {chain}",
    )

    assert found(name) == []
    assert found(name, heads=[head]) == [(4, "the log was told of 5 rows: the tail is cut.")]


def test_a_chain_that_is_gone_as_a_whole_is_found_by_the_next_one_and_by_the_log(trail: Recorder) -> None:
    name = written(trail)
    written(Recorder())

    change(f"DELETE FROM {ENTRY} WHERE chain_id = {chain_id(name)}", f"DELETE FROM {CHAIN} WHERE name = '{name}'")

    assert [number for number, _ in found(name)] == [None]
    assert "is gone" in found(name)[0][1]
    assert (None, "it is in the log, and gone from the database.") in found(name, heads=[Head(name, 5, "00")])


def forged(name: str, number: int, chain: int | None = None) -> str:
    """Puts a row there as somebody does without the key: the chain's last one, with another number."""
    columns = "at, account_id, role, member_id, action, sections, origins, outcome, count, request_id, reason, key_id"
    return (
        f"INSERT INTO {ENTRY} (chain_id, number, {columns}, mac) "
        f"SELECT {chain or 'chain_id'}, {number}, {columns}, mac FROM {ENTRY} "
        f"WHERE chain_id = {chain_id(name)} AND number = 5"
    )


def test_a_row_put_behind_the_end_without_the_key_is_found(trail: Recorder) -> None:
    name = written(trail)

    change(forged(name, 6))

    assert [number for number, _ in found(name)] == [6, 6]


@pytest.mark.parametrize(("dropped", "number"), [(0, 0), (3, 0), (3, 2), (3, 3)])
def test_a_row_put_before_the_beginning_is_found(db: None, dropped: int, number: int) -> None:
    second = 1_000_000
    start = time.time_ns() // 1000 + second
    name = written(Recorder(clock=iter(range(start, start + 5 * second, second)).__next__))
    drop_before(EPOCH + datetime.timedelta(microseconds=start + dropped * second))

    change(forged(name, number))

    assert found(name) == [(number, "it stands before the beginning of the chain.")]


@pytest.mark.parametrize("number", [1, 2, 4, 5])
def test_a_second_row_with_a_number_is_found_wherever_a_batch_ends(
    trail: Recorder, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(verification, "BATCH", 2)
    name = written(trail)

    change("DROP INDEX gateway_audit_number", forged(name, number))

    assert (number, "it is there more than once.") in found(name)


def test_rows_of_a_chain_that_is_not_there_are_found(trail: Recorder) -> None:
    name = written(trail)
    chain = chain_id(name)
    written(Recorder())
    other = AuditChain.objects.latest("pk")
    change(
        forged(name, 1, chain=chain + 1000),
        forged(name, 2, chain=chain + 1000),
        f"DELETE FROM {CHAIN} WHERE id = {other.pk}",
    )

    findings = [str(finding) for finding in verify().findings]

    assert findings == [
        f"Chain #{other.pk}: it is not there, and 5 rows are said to be of it.",
        f"Chain #{chain + 1000}: it is not there, and 2 rows are said to be of it.",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE {ENTRY} SET member_id = 'm-9'",
        f"DELETE FROM {ENTRY}",
        f"DELETE FROM {CHAIN}",
        f"UPDATE {CHAIN} SET length = length - 1",
        f"UPDATE {CHAIN} SET name = 'another'",
    ],
)
def test_the_database_refuses_to_change_what_was_written(trail: Recorder, statement: str) -> None:
    name = written(trail)

    refused = pytest.raises(DatabaseError, match=r"append-only|only grows")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert found(name) == []


def test_a_retention_that_the_gateway_did_not_order_is_found(trail: Recorder) -> None:
    name = written(trail)
    mac = bytes(AuditEntry.objects.get(chain__name=name, number=2).mac)

    change(
        f"UPDATE {CHAIN} SET dropped_length = 2, dropped_mac = x'{mac.hex()}' WHERE name = '{name}'",
        f"DELETE FROM {ENTRY} WHERE chain_id = {chain_id(name)} AND number <= 2",
    )

    assert found(name) == [(None, "what it says of its rows that are past their retention was changed.")]


def test_the_first_and_the_last_hmac_of_a_chain_are_compared_with_its_rows(trail: Recorder) -> None:
    name = written(trail)
    assert found(name, heads=[Head(name, 3, "00")]) == [(3, "it is another than the log was told of.")]
    change(f"UPDATE {CHAIN} SET mac = x'00', dropped_mac = x'01' WHERE name = '{name}'")

    troubles = found(name)
    assert (5, "it is another than the chain ends with.") in troubles
    assert (None, "its beginning was changed.") in troubles
