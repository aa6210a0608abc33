"""The connection on which a process subscribes: redis-py's own, since it receives messages without asking."""

from collections.abc import Mapping
from typing import Any, Final

from redis import ConnectionPool, Redis, UnixDomainSocketConnection

from gateway_clients.redis_access.circuit import default_connection
from gateway_clients.redis_access.connection import (
    DialledConnection,
    NonblockingTCPConnection,
    NonblockingUnixConnection,
)

KINDS: Final[Mapping[type, Any]] = {
    NonblockingTCPConnection: DialledConnection,
    NonblockingUnixConnection: UnixDomainSocketConnection,
}


def listener_connection() -> Redis:
    """Returns a connection to the Redis of Django's default cache; the caller closes it."""
    pool = default_connection().connection_pool
    kind = KINDS.get(pool.connection_class, pool.connection_class)
    return Redis.from_pool(ConnectionPool(connection_class=kind, **pool.connection_kwargs))
