"""Two machines with a gateway each, a third with a worker and Celery, and the servers that all of them share."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sandbox.testing import Sandbox
from tests.cluster.network import BROKER, POSTGRES, UPSTREAMS, Machine, Network
from tests.cluster.site import Site
from tests.support.gateway import RunningGateway
from tests.writes.servers import own_postgres, rabbitmq


@pytest.fixture(scope="package")
def network() -> Iterator[Network]:
    """The test is in it for as long as it is there."""
    made = Network()
    with made.entered():
        yield made
    made.remove()


@pytest.fixture(scope="package")
def machines(network: Network) -> tuple[Machine, Machine, Machine]:
    """Of the two gateways, and of the worker."""
    return network.machine("a"), network.machine("b"), network.machine("worker")


@pytest.fixture(scope="package")
def site(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The servers, each at an address of its own."""
    directory: Path = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(host=UPSTREAMS))
        database_url = stack.enter_context(own_postgres(address=POSTGRES))
        broker_url = stack.enter_context(rabbitmq(address=BROKER))
        made = Site(directory, sandbox, database_url=database_url, broker_url=broker_url)
        yield made
        made.remove()


@pytest.fixture(scope="package")
def _pair(site: Site, machines: tuple[Machine, Machine, Machine]) -> list[RunningGateway]:
    site.worker(machines[2])
    return site.pair(machines)


@pytest.fixture
def gateways(_pair: list[RunningGateway], site: Site) -> list[RunningGateway]:
    """One on each machine, with every upstream well; an admin is signed in at both."""
    site.sandbox.clear()
    site.sandbox.reset()
    for gateway in _pair:
        gateway.token("admin")
    return _pair
