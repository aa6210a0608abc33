"""The database: whether it answers, is migrated, lets us write, and has enough connections for the whole fleet."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor

from bff_project.doctor.finding import Finding, Level, clock_finding
from gateway_clients.database import connection_count
from gateway_clients.models import OutboxMessage

AREA: Final = "database"
#: How many missing migrations are named.
NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many gateways (`manage.py serve`) and workers (`manage.py run_worker`) share the database."""

    gateways: int
    workers: int

    @property
    def connections(self) -> int:
        """How many connections all of their pools may take; a worker with Celery has two pools."""
        pools = self.workers * (2 if settings.CELERY_BROKER_URL else 1)
        return (self.gateways * settings.WORKERS + pools) * settings.DATABASE_POOL_SIZE


def examine_database(fleet: Fleet) -> Iterator[Finding]:
    """Yields what is found at DATABASE_URL."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        yield from _kind(fleet)
        yield from _clock()
        if missing := _missing_migrations():
            names = ", ".join(missing[:NAMED])
            yield Finding(
                AREA, Level.WRONG, f"{len(missing)} migrations are missing: {names}", "Run manage.py migrate."
            )
        else:
            yield Finding(AREA, Level.OK, "it is migrated")
            yield from _rights()
    except (DatabaseError, InterfaceError) as error:
        advice = "Check DATABASE_URL, the network, the password and the role's rights."
        yield Finding(AREA, Level.WRONG, f"it cannot be used: {type(error).__name__}", advice)
        return
    yield from _connections(fleet)


def _kind(fleet: Fleet) -> Iterator[Finding]:
    if connection.vendor != "sqlite":
        yield Finding(AREA, Level.OK, f"{connection.vendor} answers")
        return
    level = Level.WARNING if fleet.gateways == 1 else Level.WRONG
    advice = "SQLite serves one machine: set DATABASE_URL to a PostgreSQL for more, and for backups while it runs."
    yield Finding(AREA, level, "it is SQLite", advice)


def _missing_migrations() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _rights() -> Iterator[Finding]:
    """Writes a row and takes it back; raises DatabaseError where the role may not."""
    with transaction.atomic():
        OutboxMessage.objects.create(kind="doctor").delete()
        transaction.set_rollback(True)
    yield Finding(AREA, Level.OK, "the role may write its tables")


def _clock() -> Iterator[Finding]:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        (theirs,) = cursor.fetchone()
    yield clock_finding(AREA, float(theirs) - time.time())


def _connections(fleet: Fleet) -> Iterator[Finding]:
    count = connection_count.count(connections[DEFAULT_DB_ALIAS])
    if count is None:
        return
    if count.is_pooled:
        text = f"all processes may take {fleet.connections} connections of the pooler that stands before it"
        yield Finding(AREA, Level.OK, text, "Let it give as many: max_client_conn of PgBouncer.")
        return
    text = f"all processes may take {fleet.connections} connections, it gives {count.given}"
    if fleet.connections > count.given:
        advice = "Lower WORKERS or DATABASE_POOL_SIZE, raise max_connections, or put PgBouncer between them."
        yield Finding(AREA, Level.WRONG, text, advice)
    else:
        yield Finding(AREA, Level.OK, text)
