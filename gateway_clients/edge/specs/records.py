"""Single records of one upstream."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gateway_clients.edge.output.sections import required_section
from gateway_clients.edge.output.view_models import ViewModel
from gateway_clients.edge.specs.reads import ReadSpec
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.pending_value import Deferred, PendingValue
from gateway_clients.pipeline.section import Section
from gateway_clients.services import Services

P = TypeVar("P")
V = TypeVar("V", bound=ViewModel)


@dataclass(frozen=True, kw_only=True)
class RecordSpec(ReadSpec, Generic[P, V]):
    """One record of one upstream: what the ids of its path name, or 404. The model has a place for its `meta`."""

    model: type[V]
    call: Callable[[Services, Mapping[str, Any]], Call[P]]
    transform: Callable[[P], V]

    def record(self, gateway: Gateway, ids: Mapping[str, Any]) -> PendingValue[tuple[V, Section[P]]]:
        """The record, and how it came about. Raises what the upstream fails with."""
        call = gateway.call(self.call(gateway, ids))

        def shown() -> tuple[V, Section[P]]:
            payload, section = required_section(call)
            return self.transform(payload), section

        return Deferred(shown)
