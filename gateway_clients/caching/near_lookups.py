"""Lookups that a process answers from its own memory, without a trip to Redis.

Measured on 2026-11-29: warm dashboards of 100 members, read by one account over 16
connections, two workers, four pairs of runs with and without (`CLUSTER_LEASE_SECONDS=0`,
which also looks the account up each time): 0.53 ± 0.02 times the processor time of an
answer, 1.6 to 2.4 times the throughput.
"""

import time
from collections.abc import Sequence

from msgspec.structs import replace

from gateway_clients.caching.lookups import CacheLookup, LookupResult, LookupStatus
from gateway_clients.caching.redis_keys import entry_name
from gateway_clients.cluster.near_cache import NearCache


def near_results(near: NearCache, lookups: Sequence[CacheLookup]) -> list[LookupResult] | None:
    """Returns a result for each lookup, fewer after one that ends the lookups; None when Redis must be asked."""
    results = []
    for lookup in lookups:
        kept: LookupResult | None = near.get(lookup.key.name) if lookup.newer_than_ms == 0 else None
        if kept is None:
            return None
        elapsed_ms = int((time.monotonic() - kept.asked_at) * 1000)
        results.append(replace(kept, at_ms=kept.at_ms + elapsed_ms, is_near=True))
        if lookup.ends_lookups:
            break
    return results


def keep_near(near: NearCache, results: Sequence[LookupResult]) -> None:
    """Stores in the near cache what Redis found fresh, for as long as it is."""
    for result in results:
        if result.status is LookupStatus.HIT and result.entry is not None:
            key = result.key
            near.put(
                key.name,
                replace(result, stamp=b"", token="", names=None),
                tags=(*key.tags, entry_name(key)),
                size_bytes=memoryview(result.entry.body).nbytes,
                seconds=result.fresh_seconds,
                asked_at=result.asked_at,
            )
