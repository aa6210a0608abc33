"""The recorder of audit rows: what it tells the log, and when the database or a thread fails it."""

import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError
from structlog.testing import capture_logs

from gateway_clients.audit import recorder as recorder_module
from gateway_clients.audit.entries import AuditRow
from gateway_clients.audit.recorder import AuditUnavailableError, Recorder
from gateway_clients.models import AuditChain
from tests.security.audit_chains import look
from tests.support.waiting import wait_until


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
