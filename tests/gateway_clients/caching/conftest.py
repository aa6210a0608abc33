"""A cache under a prefix of the test's own, and what is seen of it from outside."""

import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings
from redis import Redis
from redis.connection import AbstractConnection

from gateway_clients.caching.store import Cache
from gateway_clients.redis_access.circuit import RedisCircuit, default_connection


@pytest.fixture(autouse=True)
def prefix(settings: Settings) -> str:
    settings.CACHE_KEY_PREFIX = f"test-{uuid.uuid4().hex}"
    return str(settings.CACHE_KEY_PREFIX)


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    client = Redis.from_url(settings.REDIS_URL)
    yield client
    client.close()


@pytest.fixture
def cache() -> Cache:
    """On the connection that the settings make; chance takes nothing off an entry's life."""
    return Cache(RedisCircuit(default_connection), chance=lambda: 0.0, sleep=lambda _: None)


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often this thread sent anything to a Redis since the last time this was asked."""
    send, counts = AbstractConnection.send_packed_command, [0]
    here = threading.get_ident()

    def counted(self: AbstractConnection, *args: Any, **kwargs: Any) -> Any:
        # The breakers' own thread asks too, whenever it likes.
        counts[0] += threading.get_ident() == here
        return send(self, *args, **kwargs)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counted)

    def take() -> int:
        counts[0], count = 0, counts[0]
        return count

    return take
