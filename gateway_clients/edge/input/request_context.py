"""What the edge knows of one request: its id, how much time it has, whose it is, and the gateway made for it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from django.http import HttpRequest

from gateway_clients.edge.rate_limit.limits import RequestCount
from gateway_clients.gateway import Gateway
from gateway_clients.pipeline.outcome import Freshness
from gateway_clients.pipeline.pending_call import CallTiming, PendingCall
from gateway_clients.pipeline.trace import RequestTrace
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.tracing import TraceContext


class RequestContext(msgspec.Struct, kw_only=True):
    """What the edge knows of one request. `started_at` is on the deadline's clock.

    `is_reserved`: it has one of the places that reads do not get. `is_crowded`: it has none, so
    that nothing is asked for it. `may_revalidate`: it is known to be of nobody who must be shown
    nothing past its time. `may_be_unchanged`: it reads, and its portal holds an answer already.
    """

    request_id: str
    trace_context: TraceContext
    deadline: Deadline
    started_at: float
    is_fresh_wanted: bool = False
    is_reserved: bool = False
    is_crowded: bool = False
    may_revalidate: bool = False
    may_be_unchanged: bool = False
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
                traceparent=self.trace_context.traceparent,
                tracestate=self.trace_context.tracestate,
                span=self.trace_context.span,
                is_fresh_wanted=self.is_fresh_wanted,
                is_reserved=self.is_reserved,
                is_crowded=self.is_crowded,
                may_revalidate=self.may_revalidate,
                may_be_unchanged=self.may_be_unchanged,
                waited_seconds=self.deadline.clock() - self.started_at,
                count=None if self.count is None else self.count.count,
            )
        return self._gateway

    @property
    def calls(self) -> Sequence[PendingCall[Any]]:
        """The calls that were asked for so far."""
        return () if self._gateway is None else self._gateway.fan_out.calls

    @property
    def trace(self) -> RequestTrace | None:
        """The steps of the calls so far; None without a gateway."""
        return None if self._gateway is None else self._gateway.fan_out.origin.trace

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
