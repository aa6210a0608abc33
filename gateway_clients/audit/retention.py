"""Removes audit rows that are older than `AUDIT_RETENTION`; what is left still vouches for itself.

Each chain keeps the HMAC of the last row that is gone, under its seal. On PostgreSQL a month goes at once, with its
partition; elsewhere, and in the default partition, rows are deleted in batches, which the triggers let happen only up
to where the chain says.
"""

import datetime
from typing import Final

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Max
from django.utils import timezone

from gateway_clients.audit.chain import audit_keys, dropped_seal_of
from gateway_clients.audit.partitions import (
    exclusive_transaction,
    has_default_rows_before,
    make_partitions,
    partitions_before,
)
from gateway_clients.models import AuditChain, AuditEntry

#: Rows in one transaction.
BATCH: Final = 1000
DELETE: Final = f"DELETE FROM {AuditEntry._meta.db_table} WHERE chain_id = %s AND number > %s AND number <= %s"  # noqa: S608 - ours
log = structlog.get_logger(__name__)


def keep_retention() -> None:
    """A chore of the worker: makes the partitions of the next months, and removes what is too old."""
    now = timezone.now()
    make_partitions(connection, now)
    drop_before(now - settings.AUDIT_RETENTION)


def drop_before(end: datetime.datetime) -> int:
    """Removes the rows from before `end`; how many went one by one, beside whole partitions."""
    count = 0
    # Before partitions: rows that a chain has before those that are gone would stay, since no chain counts them.
    if connection.vendor != "postgresql" or has_default_rows_before(connection, end):
        chains = AuditChain.objects.filter(begun_at__lt=end, length__gt=F("dropped_length"))
        count = sum(_shorten(chain_id, end) for chain_id in chains.order_by("pk").values_list("pk", flat=True))
    if connection.vendor == "postgresql":
        while partition := _drop_oldest_partition(end):
            log.info("audit.partition_dropped", partition=partition)
    return count


def _shorten(chain_id: int, end: datetime.datetime) -> int:
    """Removes a chain's rows from before `end`, from its beginning on; how many."""
    total = 0
    while True:
        with transaction.atomic():
            chain = AuditChain.objects.select_for_update().get(pk=chain_id)
            first, upto = chain.dropped_length, chain.dropped_length + BATCH
            rows = AuditEntry.objects.filter(chain_id=chain_id, number__gt=first, number__lte=upto)
            last = rows.filter(at__lt=end).aggregate(last=Max("number"))["last"]
            if last is None:
                return total
            _say_dropped(chain, last)
            with connection.cursor() as cursor:
                cursor.execute(DELETE, [chain_id, first, last])
        log.info("audit.dropped", chain=chain.name, upto=last)
        total += last - first


def _drop_oldest_partition(end: datetime.datetime) -> str | None:
    """Drops the oldest that is over at `end`; its name, or None when there is none or somebody else is at it."""
    with exclusive_transaction(connection) as is_ours, connection.cursor() as cursor:
        partition = next(iter(partitions_before(connection, end)), None) if is_ours else None
        if partition is None:
            return None
        cursor.execute(f"SELECT chain_id, max(number) FROM {partition} GROUP BY chain_id ORDER BY chain_id")  # noqa: S608
        for chain_id, last in cursor.fetchall():
            chain = AuditChain.objects.select_for_update().get(pk=chain_id)
            if chain.dropped_length < last:
                _say_dropped(chain, last)
        # The triggers refuse changes of rows, not that a table goes whose rows no chain counts any more.
        cursor.execute(f"DROP TABLE {partition}")
    return partition


def _say_dropped(chain: AuditChain, upto: int) -> None:
    """Moves the place from which the chain has its rows. Its last HMAC is kept: the next row was made with it."""
    chain.dropped_mac = AuditEntry.objects.values_list("mac", flat=True).get(chain_id=chain.pk, number=upto)
    chain.dropped_length = upto
    chain.dropped_seal = dropped_seal_of(audit_keys()[0], chain)
    chain.save(update_fields=["dropped_length", "dropped_mac", "dropped_seal"])
