"""The state of Redis, for health probes, staff and the checks at start."""

from redis.exceptions import RedisError

from gateway_clients.caching.store import default_cache
from gateway_clients.redis_access.circuit import CacheDownError, CacheRefusedError, default_connection, write_probe
from gateway_clients.redis_access.error_replies import OF_A_CLUSTER, RedisState, refusal_code, state_behind


def redis_state() -> RedisState:
    """Returns whether Redis takes writes, within a few socket timeouts; at once while the circuit is open.

    `down for writes`: it answers, but is a replica, is full, or cannot save. `cluster`: a kind that is not supported.
    """
    circuit = default_cache().circuit
    try:
        circuit.run(write_probe)
    except CacheRefusedError as refused:
        # Without a code the process has as many connections as it may, all in use: Redis is not to blame.
        return "up" if not refused.code else state_behind(refused.code)
    except CacheDownError:
        return "down" if circuit.state == "up" else circuit.state
    return "up"


def leads_to_cluster() -> bool:
    """Returns whether a node of a Redis Cluster answers at REDIS_URL; False when nothing answers."""
    pool = default_connection().connection_pool
    connection = pool.connection_class(**pool.connection_kwargs)
    try:
        connection.connect()
    except (RedisError, OSError) as error:
        return refusal_code(error) in OF_A_CLUSTER
    finally:
        connection.disconnect()
    return False
