"""What the edge knows of one request: its id, how much time it has, whose it is, and the gateway made for it."""

import msgspec
from django.http import HttpRequest

from gateway_clients.edge.limits import RequestCount
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline.outcome import Freshness
from gateway_clients.pipeline.pending_call import CallTiming
from gateway_clients.resilience.deadline import Deadline


class RequestContext(msgspec.Struct, kw_only=True):
    """What the edge knows of one request. `started_at` is on the deadline's clock.

    `is_reserved`: it has one of the places that reads do not get. `is_crowded`: it has none, so
    that nothing is asked for it.
    """

    request_id: str
    traceparent: str
    deadline: Deadline
    started_at: float
    is_fresh_wanted: bool = False
    is_reserved: bool = False
    is_crowded: bool = False
    account_id: str | None = None
    count: RequestCount | None = None
    _gateway: Gateway | None = None

    @property
    def gateway(self) -> Gateway:
        """The clients of this request, made when first asked for."""
        if self._gateway is None:
            self._gateway = Gateway(
                request_id=self.request_id,
                deadline=self.deadline,
                on_behalf_of=self.account_id,
                traceparent=self.traceparent,
                is_fresh_wanted=self.is_fresh_wanted,
                is_reserved=self.is_reserved,
                is_crowded=self.is_crowded,
                piggyback=self.count,
            )
        return self._gateway

    def admit(self) -> None:
        """Counts the request now, if it was not yet, before something costly. Raises RateLimitedError."""
        if self.count is not None:
            self.count.finish()

    @property
    def timings(self) -> list[CallTiming]:
        """The calls made for this request so far."""
        return [] if self._gateway is None else self._gateway.timings

    @property
    def freshness(self) -> list[Freshness]:
        """How each of its answers came about so far."""
        return [] if self._gateway is None else self._gateway.freshness


def context_of(request: HttpRequest) -> RequestContext:
    """The context that the edge's middleware gave the request."""
    context: RequestContext = request.__dict__["edge"]
    return context
