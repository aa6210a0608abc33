"""Turns a cached entry into the outcome of a call."""

from typing import TypeVar, cast

import msgspec

from gateway_clients.caching.lookups import LookupResult, LookupStatus
from gateway_clients.caching.store import Cache
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.outcome import Outcome, SectionState

P = TypeVar("P")


def kept_outcome(call: Call[P], result: LookupResult, cache: Cache) -> Outcome[P] | None:
    """Returns the entry of a lookup as an outcome; None where there is none.

    Discards an entry that this version of the gateway cannot read.
    """
    if result.entry is None:
        return None
    state = SectionState.CACHED if result.status is LookupStatus.HIT else SectionState.STALE
    entry, age_seconds, ttl_seconds = result.entry, result.age_seconds, result.ttl_seconds
    if entry.is_absent:
        return Outcome(
            cast(P, None),
            state,
            age_seconds,
            is_absent=True,
            true_at=result.asked_at,
            ttl_seconds=ttl_seconds,
            is_near=result.is_near,
        )
    try:
        value = msgspec.msgpack.decode(entry.body, type=call.payload_type)
    except (ValueError, RecursionError):
        cache.discard(result.key)
        return None
    return Outcome(
        cast(P, value),
        state,
        age_seconds,
        entry.omitted,
        true_at=result.asked_at,
        drifted=entry.drifted,
        ttl_seconds=ttl_seconds,
        is_near=result.is_near,
    )
