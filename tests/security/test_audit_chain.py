"""The audit trail vouches for itself: whatever is changed in the database without the key is found."""

import datetime
import io
import json
import threading
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from structlog.testing import capture_logs

from gateway_clients.audit import recorder as recorder_module
from gateway_clients.audit import verification
from gateway_clients.audit.chain import EPOCH
from gateway_clients.audit.entries import AuditRow, Outcome
from gateway_clients.audit.recorder import AuditUnavailableError, Recorder
from gateway_clients.audit.retention import drop_before
from gateway_clients.audit.verification import Head, heads_in, verify
from gateway_clients.instrumentation.ecs import ecs_line
from gateway_clients.models import AuditChain, AuditEntry
from tests.support.waiting import wait_until

ENTRY, CHAIN = AuditEntry._meta.db_table, AuditChain._meta.db_table
DROP_TRIGGERS = [
    f"DROP TRIGGER gateway_audit_{name}"
    for name in ("refuse_update", "refuse_delete", "refuse_chain_delete", "only_forward")
]


def look(member_id: str = "m-1", **more: Any) -> AuditRow:
    return AuditRow(
        **{"action": "a-view", "outcome": Outcome.SHOWN, "account_id": "7", "role": "admin", "member_id": member_id}
        | more
    )


def written(trail: Recorder, count: int = 5) -> str:
    """The name of a chain of that many rows."""
    for number in range(count):
        trail.commit([look(f"m-{number}")])
    return AuditChain.objects.latest("pk").name


def change(*statements: str) -> None:
    """What somebody does who owns the database."""
    with connection.cursor() as cursor:
        for statement in (*DROP_TRIGGERS, *statements):
            cursor.execute(statement)


def found(name: str, **more: Any) -> list[tuple[int | None, str]]:
    return [(finding.number, finding.trouble) for finding in verify(**more).findings if finding.chain == name]


def chain_id(name: str) -> int:
    return AuditChain.objects.get(name=name).pk


def test_a_trail_that_nobody_touched_is_whole(trail: Recorder) -> None:
    name = written(trail)

    assert verify().findings == []
    assert AuditChain.objects.get(name=name).length == 5
    assert [entry.number for entry in AuditEntry.objects.filter(chain__name=name)] == [1, 2, 3, 4, 5]


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


def test_what_is_past_its_retention_goes_and_the_rest_is_whole(db: None) -> None:
    second = 1_000_000
    start = time.time_ns() // 1000
    clock = iter(range(start + second, start + 9 * second, second))
    name = written(Recorder(clock=lambda: next(clock)))
    end = EPOCH + datetime.timedelta(microseconds=start + 3 * second + second // 2)

    assert drop_before(end) == 3
    assert drop_before(end) == 0

    assert [entry.number for entry in AuditEntry.objects.filter(chain__name=name)] == [4, 5]
    assert found(name) == []
    change(f"DELETE FROM {ENTRY} WHERE chain_id = {chain_id(name)} AND number = 4")
    assert [number for number, _ in found(name)] == [4]


def test_a_row_behind_the_end_of_its_chain_takes_no_other_with_it(db: None) -> None:
    second = 1_000_000
    start = time.time_ns() // 1000
    clock = iter(range(start + second, start + 9 * second, second))
    name = written(Recorder(clock=lambda: next(clock)))
    forged = AuditEntry.objects.get(chain__name=name, number=1)
    forged.pk, forged.number = None, 7
    forged.save(force_insert=True)

    assert drop_before(EPOCH + datetime.timedelta(microseconds=start + 3 * second + second // 2)) == 3

    assert [entry.number for entry in AuditEntry.objects.filter(chain__name=name)] == [4, 5, 7]
    assert [number for number, _ in found(name)] == [6, 6]


def test_a_retention_that_the_gateway_did_not_order_is_found(trail: Recorder) -> None:
    name = written(trail)
    mac = bytes(AuditEntry.objects.get(chain__name=name, number=2).mac)

    change(
        f"UPDATE {CHAIN} SET dropped_length = 2, dropped_mac = x'{mac.hex()}' WHERE name = '{name}'",
        f"DELETE FROM {ENTRY} WHERE chain_id = {chain_id(name)} AND number <= 2",
    )

    assert found(name) == [(None, "what it says of its rows that are past their retention was changed.")]


def test_a_new_key_signs_and_the_old_one_still_verifies(trail: Recorder, settings: Any) -> None:
    old, new = "an-old-key-of-the-audit-trail-of-32-bytes", "a-new-key-of-the-audit-trail-of-32-bytes"
    settings.AUDIT_KEYS = (old,)
    trail.commit([look()])
    settings.AUDIT_KEYS = (new, old)
    trail.commit([look()])
    name = AuditChain.objects.latest("pk").name

    assert found(name) == []
    settings.AUDIT_KEYS = (new,)
    assert [number for number, _ in found(name)] == [None, None, 1]


def test_a_key_that_is_gone_is_named(trail: Recorder, settings: Any) -> None:
    name = written(trail, 1)
    sealed_with = AuditChain.objects.get(name=name).key_id
    settings.AUDIT_KEYS = ("another-key-of-the-audit-trail-of-32-bytes",)

    assert (None, f"it is sealed with the key {sealed_with}, which AUDIT_KEYS does not have.") in found(name)


def test_the_first_and_the_last_hmac_of_a_chain_are_compared_with_its_rows(trail: Recorder) -> None:
    name = written(trail)
    assert found(name, heads=[Head(name, 3, "00")]) == [(3, "it is another than the log was told of.")]
    change(f"UPDATE {CHAIN} SET mac = x'00', dropped_mac = x'01' WHERE name = '{name}'")

    troubles = found(name)
    assert (5, "it is another than the chain ends with.") in troubles
    assert (None, "its beginning was changed.") in troubles


def test_a_process_that_meets_another_state_of_its_chain_begins_a_new_one(trail: Recorder) -> None:
    name = written(trail, 2)
    change(f"UPDATE {CHAIN} SET length = 1 WHERE name = '{name}'")

    trail.commit([look("m-9")])

    newest = AuditChain.objects.latest("pk")
    assert (newest.predecessor, newest.length) == (name, 1)


def test_the_command_says_that_all_is_whole_or_where_it_is_not(trail: Recorder, tmp_path: Any) -> None:
    name, out = written(trail), io.StringIO()
    call_command("audit", "verify", stdout=out)
    assert "is whole" in out.getvalue()

    change(f"DELETE FROM {ENTRY} WHERE chain_id = {chain_id(name)} AND number = 2")
    errors = io.StringIO()
    with pytest.raises(CommandError, match="1 findings"):
        call_command("audit", "verify", stderr=errors)
    assert f"Chain {name}, row 2: it is missing." in errors.getvalue()


def test_heads_are_read_from_the_lines_of_a_log() -> None:
    lines = [
        '{"event":"request"}',
        'web_1 | {"chain":"c","length":3,"mac":"00ff","event":"audit.head","level":"info"}',
        "audit.head that is {no JSON",
        '{"event":"audit.head"}',
        json.dumps(ecs_line({"chain": "d", "length": 4, "mac": "ff00", "event": "audit.head", "level": "info"})),
    ]
    assert list(heads_in(lines)) == [Head("c", 3, "00ff"), Head("d", 4, "ff00")]


def failing() -> Callable[..., Any]:
    def append(_rows: Any) -> Any:
        raise DatabaseError("down")

    return append


def test_rows_that_are_waited_for_fail_their_answer_when_they_cannot_be_written() -> None:
    with pytest.raises(AuditUnavailableError):
        Recorder(failing()).commit([look()])


def test_how_late_rows_are_written_is_told_and_whether_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, float]] = []

    def tell(*, outcome: str, lag_seconds: float) -> None:
        told.append((outcome, round(lag_seconds, 1)))

    monkeypatch.setattr(recorder_module, "metrics", lambda: SimpleNamespace(audit_written=tell))
    monkeypatch.setattr(recorder_module.time, "time", lambda: 10.5)
    head = SimpleNamespace(name="a-chain", length=2, mac=b"")
    Recorder(lambda _rows: head, clock=iter((7_000_000, 8_000_000)).__next__).commit([look(), look()])
    with pytest.raises(AuditUnavailableError):
        Recorder(failing(), clock=lambda: 11_000_000).commit([look()])

    assert told == [("written", 3.5), ("unwritten", 0.0)]


def test_a_serving_process_that_only_commits_tells_the_log_how_far_its_chain_has_got(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recorder_module, "is_serving", lambda: True)
    with capture_logs() as logs:
        Recorder(lambda _rows: AuditChain(name="a-chain", length=1, mac=b"\x01")).commit([look()])
        wait_until(lambda: logs)

    assert logs == [{"event": "audit.head", "log_level": "info", "chain": "a-chain", "length": 1, "mac": "01"}]


def no_thread(_: threading.Thread) -> None:
    """Does what Python does where the process may have no more threads."""
    raise RuntimeError("can't start new thread")


def test_a_thread_that_could_not_start_is_started_by_the_next_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "is_serving", lambda: True)
    taken: list[AuditRow] = []

    def append(rows: Sequence[AuditRow]) -> AuditChain:
        taken.extend(rows)
        return AuditChain(name="a-chain", length=len(taken), mac=b"\x01")

    trail = Recorder(append)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        trail.add(look())
    trail.add(look())

    wait_until(lambda: len(taken) == 2)


def test_the_log_is_told_of_no_rows_before_they_are_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "is_serving", lambda: True)
    chain = AuditChain(name="a-chain", length=0)

    def append(rows: Sequence[AuditRow]) -> AuditChain:
        chain.length += len(rows)
        if chain.length > 1:
            trail.log_head()
            raise DatabaseError("down before the commit")
        return chain

    trail = Recorder(append)
    with capture_logs() as logs:
        trail.commit([look()])
        with pytest.raises(AuditUnavailableError):
            trail.commit([look()])

    assert [each["length"] for each in logs if each["event"] == "audit.head"] == [1]


def test_rows_that_come_while_others_are_written_are_written_together_by_one_of_those_that_wait() -> None:
    is_writing, may_write, written = threading.Event(), threading.Event(), list[tuple[str, list[str]]]()
    members = [f"m-{number}" for number in range(5)]

    def append(rows: Sequence[AuditRow]) -> AuditChain:
        is_writing.set()
        may_write.wait(10)
        written.append((threading.current_thread().name, [row.member_id for row in rows]))
        return AuditChain()

    trail = Recorder(append)
    threads = [
        threading.Thread(target=trail.commit, args=([look(member)],), name=member, daemon=True) for member in members
    ]
    threads[0].start()
    assert is_writing.wait(10)
    for number, thread in enumerate(threads[1:], start=1):
        thread.start()
        wait_until(lambda number=number: trail.pending == number)
    may_write.set()
    for thread in threads:
        thread.join(10)

    assert written == [("m-0", ["m-0"]), ("m-1", ["m-1", "m-2", "m-3", "m-4"])]


def test_a_fault_while_rows_are_written_leaves_nobody_waiting() -> None:
    def append(_rows: object) -> AuditChain:
        raise RuntimeError("a fault")

    trail = Recorder(append)

    with pytest.raises(RuntimeError):
        trail.commit([look()])
    with pytest.raises(RuntimeError):
        trail.commit([look()])


def test_a_members_own_rows_go_to_the_log_when_they_cannot_be_written() -> None:
    with capture_logs() as logs:
        Recorder(failing()).add(look(sections="member", origins="cache", request_id="a-request"))

    assert [each["event"] for each in logs] == ["audit.unwritten", "audit.row"]
    row = logs[1]
    assert (row["member"], row["account"], row["sections"], row["origins"], row["request_id"]) == (
        "m-1", "7", "member", "cache", "a-request",
    )  # fmt: skip
