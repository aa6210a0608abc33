"""Sentinels, which know where the primary of a Redis is: they are asked for each connection that is dialled.

The question is the one that Sentinel's documentation gives to clients. redis-py's `Sentinel` asks another, whose answer
names the old primary for a moment while a failover is under way, and none for a while after it.
"""

from contextlib import suppress
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from gateway_clients.runtime.singletons import process_singleton

#: Sentinels as host and port.
Places = tuple[tuple[str, int], ...]


def primary_of(name: str, sentinels: Places, seconds: float) -> tuple[str, int]:
    """The host and the port of the primary of this name, as the first sentinel says that knows of one.

    Each sentinel is asked within so many seconds, the one that answered last before the others. Raises
    redis.ConnectionError where none knows.
    """
    asked = _connected(sentinels, seconds)
    order = tuple(asked)
    for sentinel in order:
        with suppress(RedisError, OSError):
            found: Any = sentinel.sentinel_get_master_addr_by_name(name)
            if found is not None:
                asked[:] = [sentinel, *(each for each in order if each is not sentinel)]
                return str(found[0]), int(found[1])
    raise RedisConnectionError(f"no sentinel knows of a primary named {name}")


@process_singleton
def _connected(sentinels: Places, seconds: float) -> list[Redis]:
    return [
        Redis(
            host,
            port,
            protocol=2,
            decode_responses=True,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
        )
        for host, port in sentinels
    ]
