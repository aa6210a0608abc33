"""The chain of one process: each row carries an HMAC over itself and the row before, with a key outside the database.

Whoever changes, removes or moves a row without the key breaks the chain there. The chain's own row says how long it
is and is sealed too, so that rows cannot be cut off its end; and each chain names the one begun before it, so that
none can go missing as a whole. Whoever brings back an older copy of all of it is told by the heads in the log.
"""

import hmac
import os
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec
from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from gateway_clients.audit.entries import AuditRow
from gateway_clients.encryption import fingerprint
from gateway_clients.models import AuditChain, AuditEntry

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
DIGEST: Final = "sha256"
_encode: Final = msgspec.json.Encoder().encode

_COLUMNS: Final = (
    "chain_id", "number", "at", "account_id", "role", "member_id", "action", "sections", "origins", "outcome", "count",
    "request_id", "reason", "key_id", "mac",
)  # fmt: skip
#: Rows of one INSERT: a driver's work for a statement, and the wait for the interpreter's lock behind it, are shared.
ROWS_AT_ONCE: Final = 16
#: Whoever begins a chain holds this lock of PostgreSQL's until it is committed; the number is "audit" in ASCII.
BEGINNING_LOCK: Final = 0x6175646974
#: Only while the chain is as this process left it.
ADVANCE: Final = (
    f"UPDATE {AuditChain._meta.db_table} SET length = %s, mac = %s, key_id = %s, seal = %s "  # noqa: S608 - our names
    "WHERE id = %s AND length = %s AND mac = %s"
)


class ChainLostError(Exception):
    """The database does not have the chain as this process left it: it was restored, or somebody changed it."""


@dataclass(frozen=True, slots=True)
class AuditKey:
    """A secret, and the name that a row gives it."""

    id: str
    secret: bytes


def audit_keys() -> tuple[AuditKey, ...]:
    """Those of `AUDIT_KEYS`: the first signs, all verify."""
    return tuple(AuditKey(fingerprint(text.encode()), text.encode()) for text in settings.AUDIT_KEYS)


def mac_of(key: AuditKey, previous: bytes, name: str, number: int, row: AuditRow) -> bytes:
    """The HMAC of a row that stands at this place of a chain, behind the row with that HMAC."""
    fields = (
        name, number, row.at, row.account_id, row.role, row.member_id, row.action, row.sections, row.origins,
        row.outcome, row.count, row.request_id, row.reason,
    )  # fmt: skip
    # `hmac.digest` would give the interpreter's lock away, and wait for it beside threads that answer.
    return hmac.new(key.secret, previous + _encode(fields), DIGEST).digest()


def seal_of(key: AuditKey, chain: AuditChain) -> bytes:
    """The HMAC of what a chain's own row says, but for what retention says there."""
    fields = {
        "name": chain.name,
        "predecessor": chain.predecessor,
        "process": chain.process,
        "begun_at": microseconds(chain.begun_at),
        "genesis": bytes(chain.genesis),
        "length": chain.length,
        "mac": bytes(chain.mac),
    }
    return hmac.digest(key.secret, _encode(fields), DIGEST)


def dropped_seal_of(key: AuditKey, chain: AuditChain) -> bytes:
    """The HMAC of what a chain says of its rows that are gone."""
    fields = {"name": chain.name, "dropped_length": chain.dropped_length, "dropped_mac": bytes(chain.dropped_mac)}
    return hmac.digest(key.secret, _encode(fields), DIGEST)


def genesis_of(key: AuditKey, name: str, predecessor: str) -> bytes:
    """Returns the hash that precedes a chain's first row."""
    return hmac.digest(key.secret, _encode({"genesis": name, "predecessor": predecessor}), DIGEST)


def microseconds(at: datetime) -> int:
    """Returns the microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


class ChainWriter:
    """Appends rows to this process's chain, and begins another when nobody knows how far the last one got."""

    def __init__(self) -> None:
        self.chain: AuditChain | None = None

    def append(self, rows: Sequence[AuditRow]) -> AuditChain:
        """Writes the rows in a transaction of their own; the chain as it is then.

        Raises what the database does. Then the chain is given up: its last transaction may stand there or not.
        """
        chain, self.chain = self.chain, None
        try:
            self.chain = self._appended(chain or _begun(), rows)
        except ChainLostError:
            self.chain = self._appended(_begun(), rows)
        return self.chain

    def _appended(self, chain: AuditChain, rows: Sequence[AuditRow]) -> AuditChain:
        key, mac, before = audit_keys()[0], bytes(chain.mac), (chain.length, bytes(chain.mac))
        with transaction.atomic(durable=True):
            if chain.pk is None:
                _place(chain, key)
                mac, before = bytes(chain.mac), (0, bytes(chain.mac))
            values, name, chain_pk = list[Any](), chain.name, chain.pk
            in_column = connection.ops.adapt_datetimefield_value
            for number, row in enumerate(rows, start=chain.length + 1):
                mac = mac_of(key, mac, name, number, row)
                at = in_column(EPOCH + row.at * MICROSECOND)
                values += (
                    chain_pk, number, at, row.account_id, row.role, row.member_id, row.action, row.sections,
                    row.origins, row.outcome, row.count, row.request_id, row.reason, key.id, mac,
                )  # fmt: skip
            chain.length, chain.mac, chain.key_id = before[0] + len(rows), mac, key.id
            chain.seal = seal_of(key, chain)
            with connection.cursor() as cursor:
                cursor.execute(ADVANCE, [chain.length, mac, key.id, chain.seal, chain.pk, *before])
                if cursor.rowcount != 1:
                    raise ChainLostError
                _insert(cursor, values)
        return chain


def _insert(cursor: CursorWrapper, values: list[Any]) -> None:
    """Inserts rows whose columns follow one another."""
    size = len(_COLUMNS) * ROWS_AT_ONCE
    whole = len(values) - len(values) % size
    if whole:
        cursor.executemany(_insert_of(ROWS_AT_ONCE), [values[start : start + size] for start in range(0, whole, size)])
    if rest := values[whole:]:
        cursor.execute(_insert_of(len(rest) // len(_COLUMNS)), rest)


@lru_cache(maxsize=ROWS_AT_ONCE)
def _insert_of(rows: int) -> str:
    values = ", ".join([f"({', '.join(['%s'] * len(_COLUMNS))})"] * rows)
    return f"INSERT INTO {AuditEntry._meta.db_table} ({', '.join(_COLUMNS)}) VALUES {values}"  # noqa: S608 - our names


def _begun() -> AuditChain:
    return AuditChain(
        name=uuid.uuid4().hex,
        process=f"{socket.gethostname()}:{os.getpid()}"[:128],
        begun_at=timezone.now(),
        length=0,
        mac=b"",
        dropped_length=0,
    )


def _place(chain: AuditChain, key: AuditKey) -> None:
    """Puts a new chain's row behind those that are there, in a transaction that is SQLite's only writer.

    On PostgreSQL it waits until those that other processes begin are there, too: two would name the same predecessor,
    and nothing would name one of them.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [BEGINNING_LOCK])
    chain.predecessor = AuditChain.objects.order_by("-pk").values_list("name", flat=True).first() or ""
    chain.genesis = chain.mac = chain.dropped_mac = genesis_of(key, chain.name, chain.predecessor)
    chain.key_id = key.id
    chain.seal, chain.dropped_seal = seal_of(key, chain), dropped_seal_of(key, chain)
    chain.save(force_insert=True)
