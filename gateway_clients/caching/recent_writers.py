"""Accounts that have just written: those are shown nothing that is past its time."""

from typing import Final

from django.conf import settings

from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit

#: Seconds after the beginning of a write for which its account counts as one that has just written.
JUST_SECONDS: Final = 60


def note_writer(circuit: RedisCircuit, account_id: str) -> None:
    """Tells all processes that the account writes now.

    Without Redis nobody is told. What the write drops is not shown again in any case.
    """
    try:
        circuit.run(lambda redis: redis.set(_name(account_id), 1, ex=JUST_SECONDS))
    except CacheDownError:
        return


def has_just_written(circuit: RedisCircuit, account_id: str) -> bool:
    """Whether the account has written within the last minute, through any process. True where nobody knows."""
    try:
        return bool(circuit.run(lambda redis: redis.exists(_name(account_id))))
    except CacheDownError:
        return True


def _name(account_id: str) -> str:
    return f"{settings.CACHE_KEY_PREFIX}:w:{account_id}"
