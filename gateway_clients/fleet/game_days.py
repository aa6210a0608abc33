"""The faults of a game day in Redis, which every process reads; one that Redis forgets is over."""

import time
from typing import Any, Final

import msgspec
from django.conf import settings
from redis import Redis

from gateway_clients.resilience.faults import InjectedFault

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(InjectedFault)


class NoGameDaysError(Exception):
    """There are no game days here."""


def are_allowed() -> bool:
    """Whether this gateway may have game days: never in production, whatever is set."""
    return bool(settings.GAME_DAYS) and settings.ENVIRONMENT in {"development", "staging"}


class FaultStore:
    """The faults by upstream. Methods raise RedisError."""

    def __init__(self, prefix: str) -> None:
        self._name = f"{prefix}:fleet:faults"

    def begin(self, redis: Redis, service: str, fault: InjectedFault) -> None:
        """Begins a fault. Raises NoGameDaysError where there are none."""
        if not are_allowed():
            raise NoGameDaysError
        redis.hset(self._name, service, _ENCODER.encode(fault))
        redis.expire(self._name, 86_400)

    def end(self, redis: Redis, service: str) -> None:
        """Ends the fault of an upstream."""
        redis.hdel(self._name, service)

    def faults(self, redis: Redis) -> dict[str, InjectedFault]:
        """The faults that go on; none where there are no game days."""
        if not are_allowed():
            return {}
        found: Any = redis.hgetall(self._name)
        faults = {name.decode(errors="replace"): _decoded(raw) for name, raw in found.items()}
        now = time.time()
        return {name: fault for name, fault in faults.items() if fault is not None and fault.until > now}


def _decoded(raw: bytes) -> InjectedFault | None:
    try:
        return _DECODER.decode(raw)
    except (ValueError, RecursionError):
        return None
