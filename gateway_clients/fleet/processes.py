"""The processes that are alive, each with what it has under way; written by each about itself."""

import os
import socket
import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.conf import settings
from redis import Redis
from redis.client import Pipeline

from gateway_clients.pipeline.upstreams import admission, all_upstreams, reserved_admission

#: Seconds after which a process that has said nothing counts as gone.
GONE_SECONDS: Final = 6
STARTED_AT: Final = time.time()


class Places(msgspec.Struct, frozen=True, array_like=True):
    """The places of a process at one upstream: calls in flight, calls that wait for a place, places."""

    in_flight: int
    waiting: int
    limit: int


class BreakerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One breaker of a process. `since`: seconds since the Unix epoch; `paused_seconds`: what is left of a pause."""

    state: str
    override: str
    since: float
    failures: int = 0
    paused_seconds: float = 0.0


class ProcessStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a process says of itself. Moments are seconds since the Unix epoch."""

    process: str
    host: str
    pid: int
    version: str
    started_at: float
    reported_at: float
    reads_waiting: int = 0
    reserved_waiting: int = 0
    places: dict[str, Places] = {}
    breakers: dict[str, BreakerStatus] = {}


_DECODER: Final = msgspec.json.Decoder(ProcessStatus)


def version() -> str:
    """The version of the gateway that this process runs."""
    return str(settings.GATEWAY_VERSION)


def own_status(process: str) -> ProcessStatus:
    """How this process is."""
    places = {
        each.conf.name: Places(each.bulkhead.in_flight, each.bulkhead.waiting, each.bulkhead.limit)
        for each in all_upstreams()
    }
    now = time.time()
    breakers = {
        each.conf.name: BreakerStatus(
            state=each.breaker.current_state,
            override=each.breaker.override,
            since=now - each.breaker.changed_seconds_ago,
            failures=each.breaker.fail_counter,
            paused_seconds=each.breaker.paused_seconds,
        )
        for each in all_upstreams()
    }
    return ProcessStatus(
        process=process,
        host=socket.gethostname(),
        pid=os.getpid(),
        version=version(),
        started_at=STARTED_AT,
        reported_at=now,
        reads_waiting=admission().waiting,
        reserved_waiting=reserved_admission().waiting,
        places=places,
        breakers=breakers,
    )


class ProcessStore:
    """The statuses in Redis."""

    def __init__(self, prefix: str) -> None:
        self._name = f"{prefix}:fleet:processes"

    def tell(self, pipeline: Pipeline, status: ProcessStatus) -> None:
        """Writes a status, as part of a pipeline, and forgets processes that are gone."""
        pipeline.hset(self._name, status.process, msgspec.json.encode(status))
        pipeline.expire(self._name, 60)

    def living(self, redis: Redis) -> list[ProcessStatus]:
        """The processes that are alive, oldest first. Names of those that are gone are dropped."""
        found: Mapping[Any, Any] = redis.hgetall(self._name)
        statuses = {name: _decoded(raw) for name, raw in found.items()}
        oldest = time.time() - GONE_SECONDS
        gone = [name for name, status in statuses.items() if status is None or status.reported_at < oldest]
        if gone:
            redis.hdel(self._name, *gone)
        living = [status for status in statuses.values() if status is not None and status.reported_at >= oldest]
        return sorted(living, key=lambda status: (status.started_at, status.process))


def _decoded(raw: bytes) -> ProcessStatus | None:
    try:
        return _DECODER.decode(raw)
    except (ValueError, RecursionError):
        return None
