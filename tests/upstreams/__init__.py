"""What the tests know of each upstream: a module of its name for each, and tests that read all of them."""

from importlib import import_module
from typing import Final

from gateway_clients.conf import SERVICES
from tests.upstreams.samples import UpstreamSamples

#: By the name of the upstream. A new one without a module ends the collection of the tests.
UPSTREAMS: Final[dict[str, UpstreamSamples]] = {name: import_module(f"{__name__}.{name}").SAMPLES for name in SERVICES}
