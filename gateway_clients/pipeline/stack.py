"""The layers that a call goes through, in their order.

    near cache → cache and lease → deadline → retry → breaker → bulkhead → adapter

The near cache answers whole views, before their calls are built. A layer is a generator that
runs the next one with `yield from`, and yields effects where it would wait.
"""

from functools import partial
from typing import TypeVar

from gateway_clients.caching.lookups import CacheLookup, LookupResult
from gateway_clients.caching.store import Cache
from gateway_clients.pipeline.attempt import adapter_layer, breaker_and_bulkhead_layer, fresh_outcome, retry_layer
from gateway_clients.pipeline.cached_read import cached_read
from gateway_clients.pipeline.call import Call, Parsed
from gateway_clients.pipeline.effects import Pipeline
from gateway_clients.pipeline.origin import RequestOrigin
from gateway_clients.pipeline.outcome import Outcome
from gateway_clients.pipeline.upstreams import Upstream
from gateway_clients.resilience.deadline import Deadline

P = TypeVar("P")


def ask(call: Call[P], target: Upstream, origin: RequestOrigin, deadline: Deadline) -> Pipeline[Parsed[P]]:
    """Runs deadline → retry → breaker and bulkhead → adapter."""
    adapter = partial(adapter_layer, call, target, origin)
    attempt = partial(breaker_and_bulkhead_layer, call, target, origin, adapter)
    return retry_layer(call, target, origin, attempt, deadline)


def read(
    call: Call[P],
    target: Upstream,
    origin: RequestOrigin,
    deadline: Deadline,
    *,
    cache: Cache,
    lookup: CacheLookup,
    found: LookupResult | None,
) -> Pipeline[Outcome[P]]:
    """Runs cache and lease → `ask`. `found` is the result of the lookup, if it was made already."""
    return cached_read(
        call, origin, deadline, partial(ask, call, target, origin, deadline), cache, lookup=lookup, found=found
    )


def uncached(call: Call[P], target: Upstream, origin: RequestOrigin, deadline: Deadline) -> Pipeline[Outcome[P]]:
    """Runs `ask` for a call whose answer is never cached. Raises the subclasses of UpstreamError, also for a 404."""
    asked_at = deadline.clock()
    parsed = yield from ask(call, target, origin, deadline)
    return fresh_outcome(parsed, asked_at)
