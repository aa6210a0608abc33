"""The size of what Redis holds, as Redis itself counts it."""

from dataclasses import dataclass

from redis import Redis

from gateway_clients.redis_access.circuit import RedisCircuit


@dataclass(frozen=True, slots=True)
class CacheSize:
    """Keys of the database, and the memory that Redis uses, in bytes."""

    entries: int
    memory_bytes: int


def cache_size(circuit: RedisCircuit) -> CacheSize:
    """Asks Redis for its size. Raises CacheDownError."""

    def ask(redis: Redis) -> CacheSize:
        pipeline = redis.pipeline(transaction=False)
        pipeline.dbsize()
        pipeline.info("memory")
        entries, memory = pipeline.execute()
        return CacheSize(int(entries), int(memory["used_memory"]))

    return circuit.run(ask)
