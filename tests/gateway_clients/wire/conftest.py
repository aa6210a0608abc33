"""Fixtures of the tests of the clients, the pipe and the fan-out."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from pytest_django import Settings

from gateway_clients.caching.store import default_cache
from gateway_clients.conf import SERVICES
from gateway_clients.pipeline import upstreams as upstreams_module
from gateway_clients.pipeline.background import single_flight
from tests.support.lanes import Batches, Lane, Threads
from tests.support.upstream import RawUpstream, Script, hangs, refusing_port, says_json
from tests.support.waiting import wait_until


@pytest.fixture
def serve() -> Iterator[Callable[[Script], RawUpstream]]:
    """Makes upstreams of scripts; they end with the test, and so do the reads that wait for them."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(RawUpstream(script))
    wait_until(lambda: single_flight().under_way() == 0)


@pytest.fixture
def raw_upstream(serve: Callable[[Script], RawUpstream]) -> RawUpstream:
    """One upstream that hangs until it is told what to say."""
    return serve(hangs)


@pytest.fixture(autouse=True)
def prefix(settings: Settings) -> str:
    """What Redis holds for this test is found by no other, and Redis is there."""
    wait_until(lambda: not default_cache().circuit.is_down)
    settings.CACHE_KEY_PREFIX = f"test-{uuid.uuid4().hex}"
    return str(settings.CACHE_KEY_PREFIX)


@pytest.fixture(autouse=True)
def nobody_else(settings: Settings) -> Iterator[None]:
    """An upstream that a test does not make refuses connections; what was made is closed at the end."""
    with refusing_port() as port:
        for name in SERVICES:
            setattr(settings, f"{name.upper()}_SERVICE_URL", f"http://127.0.0.1:{port}")
        yield
        upstreams_module.forget()


@pytest.fixture
def upstreams(serve: Callable[[Script], RawUpstream], settings: Settings) -> Callable[..., list[RawUpstream]]:
    """Makes the upstreams of these names, each with its script: `upstreams(claims=says(…), member=hangs)`."""

    def make(**scripts: Script) -> list[RawUpstream]:
        made = [serve(script) for script in scripts.values()]
        for name, each in zip(scripts, made, strict=True):
            setattr(settings, f"{name.upper()}_SERVICE_URL", each.url)
        return made

    return make


@pytest.fixture(params=[Threads, Batches], ids=["threads", "batch"])
def lane(request: pytest.FixtureRequest) -> Iterator[Lane]:
    made: Lane = request.param()
    yield made
    made.close()


@pytest.fixture
def three(upstreams: Callable[..., list[RawUpstream]], settings: Settings) -> list[RawUpstream]:
    """The upstreams of `views.VIEW`, none of which is asked twice."""
    settings.RETRY_BUDGET = 0.0
    return upstreams(
        member=says_json({"value": "m"}), claims=says_json({"value": "c"}), policy=says_json({"value": "p"})
    )
