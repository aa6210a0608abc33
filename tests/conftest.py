"""Fixtures that tests of every part may use."""

from collections.abc import Callable, Iterator

import pytest

from bff_project.processes import ports
from tests.support.redis_server import RedisServer


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A new free port of this machine at each call."""
    return ports.free_port


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A Redis of this test's own, running; it may be killed, frozen and started again."""
    server = RedisServer()
    server.start()
    yield server
    server.remove()
