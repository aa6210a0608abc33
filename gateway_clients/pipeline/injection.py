"""Injects a game day's fault into a call, before its upstream or in place of it."""

from typing import Any

from gateway_clients.errors import UpstreamServerError, UpstreamTimeoutError
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.effects import Pipeline, Sleep
from gateway_clients.pipeline.upstreams import Upstream
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.resilience.faults import DELAY, ERROR, FAULTS


def injected(call: Call[Any], target: Upstream, deadline: Deadline) -> Pipeline[None]:
    """Delays the call, or lets it fail as its upstream would. Raises UpstreamServerError, UpstreamTimeoutError."""
    fault = FAULTS.hit(call.service)
    if fault is None:
        return
    longest_seconds = deadline.sooner(target.conf.timeout_seconds).remaining_seconds
    if fault.kind == ERROR:
        raise UpstreamServerError(call.service)
    if fault.kind == DELAY:
        yield Sleep(min(fault.delay_seconds, longest_seconds))
        return
    yield Sleep(longest_seconds)
    raise UpstreamTimeoutError(call.service)
