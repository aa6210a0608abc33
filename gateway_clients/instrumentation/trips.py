"""Round trips to Redis and the database: counted with their durations, and noted for the request that is traced."""

import time

from gateway_clients.instrumentation.metrics import metrics
from gateway_clients.instrumentation.request_span import RedisTrip, current_span


def note_redis_trip(began_at: float, outcome: str) -> None:
    """Notes a round trip that has just ended: `ok`, `refused`, or `failed`. `began_at` is monotonic."""
    ended_at = time.monotonic()
    metrics().redis_trip(outcome=outcome, seconds=ended_at - began_at)
    span = current_span.get()
    if span is not None:
        span.trips.append(RedisTrip(began_at, ended_at, outcome))


def note_database_trip(began_at: float, outcome: str) -> None:
    """Notes a statement, BEGIN or COMMIT that has just ended: `ok`, `refused`, `slow` or `down`."""
    metrics().database_trip(outcome=outcome, seconds=time.monotonic() - began_at)
