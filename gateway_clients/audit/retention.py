"""Removes audit rows that are older than `AUDIT_RETENTION`; what is left still vouches for itself.

Each chain keeps the HMAC of the last row that is gone, under its seal. On PostgreSQL a month goes at once, with its
partition; elsewhere, and in the default partition, rows are deleted in batches, which the triggers let happen only up
to where the chain says.

Rows that no chain vouches for, since somebody else put them there, are evidence: they are left, and told of. In their
month the others go one by one; in the default partition they cost nothing.
"""

import datetime
import math
from typing import Final

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, Max
from django.utils import timezone

from gateway_clients.audit.chain import audit_keys, dropped_seal_of
from gateway_clients.audit.partitions import (
    DEFAULT,
    end_of,
    exclusive_transaction,
    make_partitions,
    partitions_before,
)
from gateway_clients.models import AuditChain, AuditEntry

#: Rows in one transaction.
BATCH: Final = 1000
DELETE: Final = f"DELETE FROM {AuditEntry._meta.db_table} WHERE chain_id = %s AND number > %s AND number <= %s"  # noqa: S608 - ours
#: The chains that vouch for rows in the default partition which are too old, and the last number of those of each.
IN_DEFAULT: Final = (
    f"SELECT chain.id, max(number) FROM {DEFAULT} JOIN {AuditChain._meta.db_table} chain ON chain.id = chain_id "  # noqa: S608 - ours
    "WHERE at < %s AND number > dropped_length AND number <= length GROUP BY chain.id ORDER BY chain.id"
)
#: What was told of already: the partition, the chain's id, how many rows.
_told: Final[set[tuple[str, int, int]]] = set()
log = structlog.get_logger(__name__)


def keep_retention() -> None:
    """A chore of the worker: makes the partitions of the next months, and removes what is too old."""
    now = timezone.now()
    make_partitions(connection, now)
    drop_before(now - settings.AUDIT_RETENTION)


def drop_before(end: datetime.datetime) -> int:
    """Removes the rows from before `end`; how many went one by one, beside whole partitions."""
    if connection.vendor != "postgresql":
        return _shorten_chains(end)
    # Before partitions: rows that a chain has before those that are gone would stay, since no chain counts them.
    with connection.cursor() as cursor:
        cursor.execute(IN_DEFAULT, [end])
        in_default = cursor.fetchall()
    count = sum(_shorten(chain_id, end, last) for chain_id, last in in_default)
    _tell_left(DEFAULT, end)
    for partition in partitions_before(connection, end):
        if not _drop_partition(partition):
            count += _shorten_chains(end_of(partition))
            _tell_left(partition, end)
    return count


def _shorten_chains(end: datetime.datetime) -> int:
    chains = AuditChain.objects.filter(begun_at__lt=end, length__gt=F("dropped_length"))
    return sum(_shorten(chain_id, end) for chain_id in chains.order_by("pk").values_list("pk", flat=True))


def _shorten(chain_id: int, end: datetime.datetime, goal: float = math.inf) -> int:
    """Removes a chain's rows from before `end`, from its beginning on, until number `goal` is among them; how many.

    They go up to a number that is there once, and that the chain has reached: the HMAC of that row is kept.
    """
    total = 0
    while True:
        with transaction.atomic():
            chain = AuditChain.objects.select_for_update().get(pk=chain_id)
            first, upto = chain.dropped_length, min(chain.dropped_length + BATCH, chain.length)
            if first >= goal:
                return total
            rows = AuditEntry.objects.filter(chain_id=chain_id, number__gt=first, number__lte=upto)
            numbers = rows.values("number").annotate(copies=Count("pk"), newest=Max("at"))
            last = numbers.filter(copies=1, newest__lt=end).aggregate(last=Max("number"))["last"]
            if last is None:
                return total
            _say_dropped(chain, last)
            with connection.cursor() as cursor:
                cursor.execute(DELETE, [chain_id, first, last])
        log.info("audit.dropped", chain=chain.name, upto=last)
        total += last - first


def _drop_partition(partition: str) -> bool:
    """Drops it, unless somebody else does; False, and nothing is done, where no chain vouches for one of its rows."""
    with exclusive_transaction(connection) as is_ours, connection.cursor() as cursor:
        if not is_ours or partition not in partitions_before(connection, end_of(partition)):
            return True
        cursor.execute(f"SELECT chain_id, max(number) FROM {partition} GROUP BY chain_id ORDER BY chain_id")  # noqa: S608
        ends = [(AuditChain.objects.select_for_update().filter(pk=pk).first(), last) for pk, last in cursor.fetchall()]
        for chain, last in ends:
            if chain is None or not _may_end_with(chain, last):
                return False
        for chain, last in ends:
            if chain is not None and chain.dropped_length < last:
                _say_dropped(chain, last)
        # The triggers refuse changes of rows, not that a table goes whose rows no chain counts any more.
        cursor.execute(f"DROP TABLE {partition}")
    log.info("audit.partition_dropped", partition=partition)
    return True


def _may_end_with(chain: AuditChain, number: int) -> bool:
    """Whether a chain's rows may go up to this one: it is gone already, or there once and within the chain."""
    if number <= chain.dropped_length:
        return True
    return number <= chain.length and AuditEntry.objects.filter(chain_id=chain.pk, number=number).count() == 1


def _say_dropped(chain: AuditChain, upto: int) -> None:
    """Moves the place from which the chain has its rows. Its last HMAC is kept: the next row was made with it."""
    chain.dropped_mac = AuditEntry.objects.values_list("mac", flat=True).get(chain_id=chain.pk, number=upto)
    chain.dropped_length = upto
    chain.dropped_seal = dropped_seal_of(audit_keys()[0], chain)
    chain.save(update_fields=["dropped_length", "dropped_mac", "dropped_seal"])


def _tell_left(partition: str, end: datetime.datetime) -> None:
    """Tells once of the rows from before `end` that are still in a partition."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT chain_id, count(*) FROM {partition} WHERE at < %s GROUP BY chain_id", [end])  # noqa: S608
        for chain_id, rows in cursor.fetchall():
            if (partition, chain_id, rows) not in _told:
                _told.add((partition, chain_id, rows))
                name = AuditChain.objects.filter(pk=chain_id).values_list("name", flat=True).first()
                log.warning("audit.left", partition=partition, chain=name or f"#{chain_id}", rows=rows)
