"""Lookups counted: by the class of their data for the metrics, and as hits and misses of the last minute."""

from collections.abc import Sequence

from gateway_clients.caching.lookups import LookupResult, LookupStatus
from gateway_clients.conf import DataClass
from gateway_clients.instrumentation.rates import rate_book
from gateway_clients.instrumentation.tally import tally

#: What lookups are counted as, by the class of their data.
HIT, BUSY, STALE, MISS, NEAR = (
    {kind: f"cache|{kind}|{name}" for kind in DataClass} for name in ("hit", "coalesced", "stale", "miss", "near")
)


def count_near_hits(found: Sequence[LookupResult]) -> None:
    """Counts lookups that the near cache has answered."""
    rate_book().count_looks(hits=len(found), misses=0)
    for result in found:
        tally().add(NEAR[result.key.data_class])


def count_lookups(results: Sequence[LookupResult]) -> None:
    """Counts lookups that Redis has answered."""
    found = [result.status for result in results]
    hits, waits = found.count(LookupStatus.HIT), found.count(LookupStatus.BUSY)
    rate_book().count_looks(hits=hits, misses=len(found) - hits - waits)
    for result in results:
        status = result.status
        kind = HIT if status is LookupStatus.HIT else BUSY if status is LookupStatus.BUSY else None
        if kind is None:
            kind = STALE if result.entry is not None else MISS
        tally().add(kind[result.key.data_class])
