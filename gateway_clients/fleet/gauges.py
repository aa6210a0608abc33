"""What this process shows as gauges, set once a second, so that nobody who uses it pays for that."""

from django.db import connections

from gateway_clients.database.pool import LendingPool
from gateway_clients.database.postgresql.base import DatabaseWrapper
from gateway_clients.instrumentation.metrics import metrics


def set_gauges() -> None:
    """Sets those of the pool of connections to PostgreSQL, where there is one."""
    wrapper = connections["default"]
    pool = wrapper.pool if isinstance(wrapper, DatabaseWrapper) else None
    if pool is not None:
        _set_pool(pool)


def _set_pool(pool: LendingPool) -> None:
    stats = pool.get_stats()
    open_connections, idle = stats.get("pool_size", 0), stats.get("pool_available", 0)
    metrics().pool_used(
        in_use=max(0, open_connections - idle),
        idle=idle,
        waiting=stats.get("requests_waiting", 0),
        size=stats.get("pool_max", 0),
    )
