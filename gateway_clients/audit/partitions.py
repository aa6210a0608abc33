"""The partitions of the audit trail on PostgreSQL, one for each month of UTC; elsewhere there are none.

Whatever comes at a time without a partition goes into the default one, so that no row is ever refused.
"""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

TABLE: Final = "gateway_clients_auditentry"
#: How many months ahead partitions are made.
MONTHS_AHEAD: Final = 2
PREFIX: Final = "gateway_clients_audit_"
EXISTING: Final = (
    "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
    "WHERE inhparent = %s::regclass AND child.relname <> %s ORDER BY child.relname"
)
DEFAULT: Final = f"{PREFIX}default"
TRIGGER: Final = "refuse_truncate"
#: An older version could leave one without its trigger, when it ended between two statements.
WITHOUT_TRIGGER: Final = (
    "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = %s::regclass "
    "AND NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = child.oid AND tgname = %s) ORDER BY child.relname"
)
HAS_ROWS_IN_DEFAULT: Final = f"SELECT EXISTS (SELECT 1 FROM {DEFAULT} WHERE at >= %s AND at < %s)"  # noqa: S608 - our name
#: The key of the advisory lock of whoever makes or drops partitions: "audit" in ASCII.
LOCK: Final = 0x61_75_64_69_74


@contextmanager
def exclusive_transaction(database: BaseDatabaseWrapper) -> Iterator[bool]:
    """A transaction in which nobody else makes or drops partitions; False: somebody else does just now."""
    with transaction.atomic(using=database.alias), database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        yield bool(cursor.fetchone()[0])


def make_partitions(database: BaseDatabaseWrapper, now: datetime.datetime) -> list[str]:
    """Makes those of this month and the next ones that are missing, unless somebody else does; their names.

    A month of which rows are in the default partition already stays there. Those that lack their trigger are given it.
    """
    if database.vendor != "postgresql":
        return []
    made: list[str] = []
    with exclusive_transaction(database) as is_ours, database.cursor() as cursor:
        if not is_ours:
            return made
        cursor.execute(WITHOUT_TRIGGER, [TABLE, TRIGGER])
        for (name,) in cursor.fetchall():
            cursor.execute(_trigger_of(name))
        cursor.execute(EXISTING, [TABLE, DEFAULT])
        existing = {name for (name,) in cursor.fetchall()}
        for first in _months(now):
            name, end = name_of(first), _next(first)
            if name in existing:
                continue
            cursor.execute(HAS_ROWS_IN_DEFAULT, [first, end])
            if cursor.fetchone()[0]:
                continue
            for statement in _statements(name, f"FOR VALUES FROM ('{first:%Y-%m-%d}Z') TO ('{end:%Y-%m-%d}Z')"):
                cursor.execute(statement)
            made.append(name)
    return made


def make_default_partition(database: BaseDatabaseWrapper) -> None:
    """Makes the one for all other times."""
    with database.cursor() as cursor:
        for statement in _statements(DEFAULT, "DEFAULT"):
            cursor.execute(statement)


def partitions_before(database: BaseDatabaseWrapper, end: datetime.datetime) -> list[str]:
    """The names of those whose whole month is over at `end`, the oldest first."""
    if database.vendor != "postgresql":
        return []
    with database.cursor() as cursor:
        cursor.execute(EXISTING, [TABLE, DEFAULT])
        return [name for (name,) in cursor.fetchall() if end_of(name) <= end]


def name_of(first: datetime.datetime) -> str:
    """The name of the partition of a month."""
    return f"{PREFIX}{first:%Y_%m}"


def month_of(name: str) -> datetime.datetime:
    """When the month of a partition begins."""
    return datetime.datetime.strptime(name.removeprefix(PREFIX), "%Y_%m").replace(tzinfo=datetime.UTC)


def end_of(name: str) -> datetime.datetime:
    """When the month of a partition is over."""
    return _next(month_of(name))


def _months(now: datetime.datetime) -> Iterator[datetime.datetime]:
    first = datetime.datetime(now.year, now.month, 1, tzinfo=datetime.UTC)
    for _ in range(MONTHS_AHEAD + 1):
        yield first
        first = _next(first)


def _next(first: datetime.datetime) -> datetime.datetime:
    year, month = divmod(first.year * 12 + first.month, 12)
    return first.replace(year=year, month=month + 1)


def _statements(name: str, bounds: str) -> Iterator[str]:
    yield f"CREATE TABLE {name} PARTITION OF {TABLE} {bounds}"
    yield _trigger_of(name)


def _trigger_of(name: str) -> str:
    """Triggers for rows come with the table; those for TRUNCATE have to be made for each partition."""
    return (
        f"CREATE TRIGGER {TRIGGER} BEFORE TRUNCATE ON {name} "
        "FOR EACH STATEMENT EXECUTE FUNCTION gateway_clients_audit_refuse()"
    )
