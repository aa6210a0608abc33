"""Fixtures of the tests of breakers that processes share."""

import uuid
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.gateway_clients.resilience.sides import Side, connected
from tests.support.clock import FakeClock
from tests.support.redis_server import RedisServer


@pytest.fixture
def prefix() -> str:
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
def sides(settings: Settings, prefix: str) -> Iterator[tuple[Side, Side]]:
    clock = FakeClock()
    both = Side(connected(settings.REDIS_URL), prefix, clock), Side(connected(settings.REDIS_URL), prefix, clock)
    for side in both:
        side.sharing.poll()
    yield both
    for side in both:
        side.redis.close()


@pytest.fixture
def lonely(redis_server: RedisServer, prefix: str) -> Iterator[Side]:
    side = Side(connected(redis_server.url), prefix, FakeClock())
    side.sharing.poll()
    yield side
    side.redis.close()
