"""Entries just past their time: they answer once more, while they are asked for anew behind the answer.

RFC 5861 calls it stale-while-revalidate. An entry that was dropped is not among them: it is none any more.
"""

from contextlib import ExitStack
from typing import Any, Final

from django.conf import settings
from django.core.signals import setting_changed

from gateway_clients.caching.lookups import CacheLookup, LookupResult
from gateway_clients.caching.store import Cache
from gateway_clients.conf import lifetime
from gateway_clients.pipeline.background import FillTask, single_flight, submit_admitted
from gateway_clients.pipeline.cached_read import FILL_LEASE_RESERVE_SECONDS
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.origin import RequestOrigin
from gateway_clients.pipeline.upstreams import admission
from gateway_clients.resilience.admission import Admission
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.runtime.singletons import process_singleton

#: Of the reads that may wait on upstreams so many may be renewals, which nobody waits for.
RENEWALS_SHARE: Final = 0.125


@process_singleton
def renewals() -> Admission:
    """The limit of this process's renewals under way."""
    return Admission(max(1, int(settings.ADMISSION_LIMIT * RENEWALS_SHARE)))


def is_just_expired(result: LookupResult) -> bool:
    """Whether the entry is past its time by no more than its class allows."""
    if result.entry is None or result.entry.is_absent:
        return False
    return -result.ttl_seconds <= lifetime(result.key.data_class).revalidate_seconds


def renew(call: Call[Any], lookup: CacheLookup, found: LookupResult, origin: RequestOrigin, cache: Cache) -> None:
    """Fills an entry on the pool, under the lease that was found with it, with a budget of its own.

    Places, the breaker and the retry budget hold as for any read. The lease is given back where
    there are too many renewals already; whoever asks next tries again.
    """
    key = call.key
    assert key is not None
    held = ExitStack()
    if not (_enter(renewals(), held) and _enter(admission(), held)):
        held.close()
        cache.release([found])
        return
    ((shared_read, is_leader),) = single_flight().join([(f"{key}!", key.tags)])
    if not is_leader:
        held.close()
        cache.release([found])
        return
    budget = Deadline.after(lookup.lease_seconds - FILL_LEASE_RESERVE_SECONDS)
    task = FillTask(call, shared_read, origin, budget, cache, lookup=lookup, found=found)
    submit_admitted([task], cache, held.close)


def _enter(places: Admission, held: ExitStack) -> bool:
    if not places.try_enter():
        return False
    held.callback(places.leave)
    return True


def forget(**_: object) -> None:
    """Count anew with other settings; for tests."""
    renewals.cache_clear()


setting_changed.connect(forget)
