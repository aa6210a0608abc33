"""Chains of audit rows, what somebody who owns the database does to them, and what the verification finds."""

from typing import Any

from django.db import connection

from gateway_clients.audit.entries import AuditRow, Outcome
from gateway_clients.audit.recorder import Recorder
from gateway_clients.audit.verification import verify
from gateway_clients.models import AuditChain, AuditEntry

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
