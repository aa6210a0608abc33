"""A request that was answered, as its spans are made of it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway_clients.instrumentation.request_span import RequestSpan
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.trace import RequestTrace


class FinishedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was answered. Moments are monotonic, in seconds; `trace` is None where nothing was asked for."""

    span: RequestSpan
    method: str
    route: str
    status: int
    began_at: float
    ended_at: float
    calls: Sequence[PendingCall[Any]] = ()
    trace: RequestTrace | None = None
