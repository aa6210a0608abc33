"""A pulse of the test's own, on a Redis prefix of its own."""

import uuid
from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from gateway_clients.caching.store import default_cache
from gateway_clients.fleet.pulse import Pulse
from gateway_clients.instrumentation.tally import tally
from gateway_clients.resilience.faults import FAULTS


@pytest.fixture
def prefix(settings: Settings) -> str:
    settings.CACHE_KEY_PREFIX = f"test-{uuid.uuid4().hex}"
    return str(settings.CACHE_KEY_PREFIX)


@pytest.fixture
def make_pulse(prefix: str) -> Iterator[Callable[[], Pulse]]:
    """A process of the gateway as the console sees it, as often as it is called."""
    tally().take()
    yield lambda: Pulse(default_cache().circuit, prefix=prefix)
    FAULTS.replace({})
