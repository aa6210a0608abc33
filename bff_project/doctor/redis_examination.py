"""Redis: whether it answers, takes writes, forgets as it should, and is near enough."""

import statistics
import time
from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from bff_project.doctor.finding import Finding, Level, clock_finding
from gateway_clients.caching.redis_state import leads_to_cluster, redis_state
from gateway_clients.redis_access.circuit import default_connection

AREA: Final = "redis"
OLDEST_VERSION: Final = (6, 0)
PINGS: Final = 20
#: Above this share of REDIS_TIMEOUT_SECONDS an ordinary trip is too near to the limit.
TRIP_SHARE: Final = 0.25
EVICTING: Final = ("volatile-lru", "volatile-lfu", "volatile-ttl", "allkeys-lru", "allkeys-lfu")


def examine_redis() -> Iterator[Finding]:
    """Yields what is found at REDIS_URL."""
    if leads_to_cluster():
        yield Finding(AREA, Level.WRONG, "it is a Redis Cluster", "Let REDIS_URL lead to a single server.")
        return
    connection = default_connection()
    try:
        about: dict[str, Any] = connection.info()
        yield from _version(about)
        yield from _memory(about)
        yield from _trips(connection)
        seconds, microseconds = connection.time()
    except (RedisError, OSError) as error:
        yield Finding(
            AREA,
            Level.WRONG,
            f"it cannot be used: {type(error).__name__}",
            "Check REDIS_URL, the network, the password and its rights (INFO, TIME and scripts are used).",
        )
        return
    yield clock_finding(AREA, seconds + microseconds / 1_000_000 - time.time())
    state = redis_state()
    if state == "up":
        yield Finding(AREA, Level.OK, "it takes writes")
    else:
        yield Finding(AREA, Level.WRONG, f"it is {state}", "See the runbook “Redis refuses writes”.")


def _version(about: dict[str, Any]) -> Iterator[Finding]:
    version = str(about["redis_version"])
    is_new_enough = tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_VERSION
    level = Level.OK if is_new_enough else Level.WRONG
    yield Finding(AREA, level, f"version {version}", "" if is_new_enough else "Use Redis 6 or newer.")


def _memory(about: dict[str, Any]) -> Iterator[Finding]:
    limit, policy = int(about["maxmemory"]), str(about["maxmemory_policy"])
    if not limit:
        advice = "Set maxmemory; docs/operations.md, “Sizing”, says how much."
        yield Finding(AREA, Level.WARNING, "its memory has no limit", advice)
    elif policy not in EVICTING:
        advice = "Set maxmemory-policy volatile-lru: a full Redis then forgets what was used least."
        yield Finding(AREA, Level.WARNING, f"when it is full it refuses writes ({policy})", advice)
    else:
        yield Finding(AREA, Level.OK, f"{limit / 1e6:.0f} MB at most, then {policy}")
    if about.get("aof_enabled") or about.get("rdb_bgsave_in_progress"):
        advice = "The gateway needs nothing of it after a restart: saving may be switched off."
        yield Finding(AREA, Level.OK, f"it saves to disk. {advice}")


def _trips(connection: Redis) -> Iterator[Finding]:
    def trip_seconds() -> float:
        began = time.monotonic()
        connection.ping()
        return time.monotonic() - began

    median = statistics.median(trip_seconds() for _ in range(PINGS))
    text = f"a trip takes {median * 1000:.1f} ms"
    if median > settings.REDIS_TIMEOUT_SECONDS * TRIP_SHARE:
        advice = f"It may take {settings.REDIS_TIMEOUT_SECONDS * 1000:.0f} ms at most (REDIS_TIMEOUT_SECONDS)."
        yield Finding(AREA, Level.WARNING, text, f"{advice} Bring Redis nearer, or raise that.")
    else:
        yield Finding(AREA, Level.OK, text)
