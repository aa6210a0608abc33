"""The connections that the gateway's workers may take, beside those that PostgreSQL has to give."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from gateway_clients.database.postgresql.base import DatabaseWrapper

#: Those that are kept for superusers are none; the second name is there from PostgreSQL 16.
GIVEN: Final = (
    "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    " - coalesce(current_setting('reserved_connections', true), '0')::int"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCount:
    """`wanted` is what the workers of one gateway may take together, `given` what the server gives everybody.

    `is_pooled`: something stands between, such as PgBouncer, and takes as many connections of ours as it is set to.
    """

    workers: int
    pool_size: int
    given: int
    is_pooled: bool = False

    @property
    def wanted(self) -> int:
        """All workers' pools together."""
        return self.workers * self.pool_size

    @property
    def is_enough(self) -> bool:
        """True where one gateway at least can have all it may take, as far as the server knows."""
        return self.is_pooled or self.wanted <= self.given


def count(database: BaseDatabaseWrapper) -> ConnectionCount | None:
    """The connections; None where the database is no server, or does not answer.

    Closes the pool: the process that counts is the parent of those that serve, and needs none.
    """
    if not isinstance(database, DatabaseWrapper):
        return None
    try:
        with database.cursor() as cursor:
            cursor.execute(GIVEN)
            (given,) = cursor.fetchone()
            cursor.execute("SELECT pg_backend_pid()")
            (answering,) = cursor.fetchone()
            is_pooled = answering != database.connection.info.backend_pid
    except (OperationalError, InterfaceError):
        return None
    finally:
        database.close()
        database.close_pool()
    return ConnectionCount(
        workers=settings.WORKERS, pool_size=settings.DATABASE_POOL_SIZE, given=given, is_pooled=is_pooled
    )


def too_few(found: ConnectionCount) -> str:
    """The warning for an operator."""
    return (
        f"{found.workers} workers may take {found.pool_size} database connections each, {found.wanted} together, but "
        f"PostgreSQL gives {found.given}: some requests will be answered 503. Lower WORKERS or DATABASE_POOL_SIZE, "
        "raise max_connections, or put PgBouncer between them. Every gateway and every worker process counts."
    )
