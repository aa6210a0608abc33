"""Gateways of a test's own, over one Redis and one database, with the sandbox behind them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway_clients.sandbox import Sandbox
from tests.support.gateway import RunningGateway
from tests.support.redis_server import RedisServer

Start = Callable[..., RunningGateway]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """The eight services."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def start(tmp_path: Path, redis_server: RedisServer, sandbox: Sandbox) -> Iterator[Start]:
    """Starts a gateway with settings of its own; the second is a process beside the first, on the same database."""
    started: list[RunningGateway] = []

    def begin(**settings: str) -> RunningGateway:
        gateway = RunningGateway(
            tmp_path,
            redis_url=redis_server.url,
            upstreams={**sandbox.urls, **settings},
            database=started[0].database if started else None,
        )
        started.append(gateway)
        gateway.await_ready()
        return gateway

    yield begin
    for gateway in started:
        gateway.remove()
