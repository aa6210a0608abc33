"""The cache layer: an entry answers, else the holder of its lease calls the upstream and stores the answer.

It is a generator that yields effects (`effects`) and is sent their results.
"""

import time
from collections.abc import Callable
from typing import Final, TypeVar, cast

import msgspec
from django.conf import settings
from msgspec.structs import replace

from gateway_clients.caching.keys import CacheKey
from gateway_clients.caching.lookups import ABSENT, CacheLookup, Entry, LookupResult, LookupStatus
from gateway_clients.caching.store import Cache
from gateway_clients.errors import (
    UpstreamError,
    UpstreamNotFoundError,
    UpstreamRejectedError,
)
from gateway_clients.pipeline.attempt import fresh_outcome
from gateway_clients.pipeline.call import Call, Parsed
from gateway_clients.pipeline.effects import Pipeline, ReleaseLease, Sleep, StoreAnswer
from gateway_clients.pipeline.kept_outcome import kept_outcome
from gateway_clients.pipeline.origin import RequestOrigin
from gateway_clients.pipeline.outcome import Outcome, SectionState
from gateway_clients.pipeline.trace import NEAR, Step
from gateway_clients.resilience.deadline import Deadline

P = TypeVar("P")

#: Seconds that a lease outlives the budget of the fill it is for.
FILL_LEASE_RESERVE_SECONDS: Final = 0.5
#: The interval of lookups that wait for another's fill, in seconds: the first, the longest, and its growth.
FIRST_LOOKUP_SECONDS: Final = 0.01
LONGEST_LOOKUP_SECONDS: Final = 0.1
LOOKUP_GROWTH: Final = 1.5
#: The share of a fill's budget after which its lease holder counts as dead and one of the waiting processes takes the
#: lease over. By default it is longer than an upstream's timeout, so that a slow upstream is not called twice.
OVERDUE_SHARE: Final = 0.7
#: With these statuses the reader calls the upstream: it has the lease, or Redis is down.
ASKS: Final = (LookupStatus.LEASED, LookupStatus.DOWN)
_raw: Final = msgspec.Raw
_encoded: Final = msgspec.msgpack.Encoder().encode


def lookup_for(key: CacheKey, budget_seconds: float, *, is_fresh_wanted: bool) -> CacheLookup:
    """Returns the lookup of a read whose fill may take `budget_seconds`."""
    return CacheLookup(
        key=key,
        lease_seconds=budget_seconds + FILL_LEASE_RESERVE_SECONDS,
        newer_than_ms=-1 if is_fresh_wanted else 0,
        overdue_seconds=settings.READ_BUDGET_SECONDS * OVERDUE_SHARE,
    )


def cached_read(
    call: Call[P],
    origin: RequestOrigin,
    deadline: Deadline,
    ask: Callable[[], Pipeline[Parsed[P]]],
    cache: Cache,
    *,
    lookup: CacheLookup,
    found: LookupResult | None = None,
) -> Pipeline[Outcome[P]]:
    """Returns a fresh entry; else the lease holder calls the upstream and the others poll for its entry.

    One of them takes the lease over when the entry does not come. A failure falls back to the last good entry. `found`
    is the lookup's result, if it was made already. Raises the subclasses of UpstreamError.
    """
    result = found if found is not None else cast(LookupResult, (yield lookup))
    origin.trace.note(call, Step.LOOKED_UP, NEAR if result.is_near else result.status)
    wait_seconds, has_waited = FIRST_LOOKUP_SECONDS, False
    while True:
        kept = kept_outcome(call, result, cache)
        if kept is not None and result.status is LookupStatus.HIT:
            return replace(kept, is_collapsed=True) if has_waited else kept
        if result.status in ASKS or deadline.has_passed:
            try:
                return (yield from _fill(call, ask, result, kept, cache))
            except GeneratorExit:
                # The event loop itself has failed, and takes no effects any more.
                cache.release([result])
                raise
        if lookup.newer_than_ms < 0:
            lookup = replace(lookup, newer_than_ms=result.at_ms + 1)
        yield Sleep(min(wait_seconds, deadline.remaining_seconds))
        has_waited = True
        wait_seconds = min(wait_seconds * LOOKUP_GROWTH, LONGEST_LOOKUP_SECONDS)
        result = cast(LookupResult, (yield lookup))
        origin.trace.note(call, Step.HELD, result.status)


def _fill(
    call: Call[P],
    ask: Callable[[], Pipeline[Parsed[P]]],
    result: LookupResult,
    stale: Outcome[P] | None,
    cache: Cache,
) -> Pipeline[Outcome[P]]:
    """Calls the upstream and stores its answer, also a 404."""
    started_at = time.monotonic()
    try:
        parsed = yield from ask()
    except UpstreamNotFoundError:
        absent = Outcome(cast(P, None), SectionState.FRESH, is_absent=True, true_at=started_at)
        return (yield from _stored(absent, ABSENT, result, cache))
    except UpstreamError as error:
        yield ReleaseLease(result)
        return _stale_or_raise((yield from _still_kept(call, result, stale, cache)), error)
    except Exception:
        yield ReleaseLease(result)
        raise
    entry = Entry(
        _raw(_encoded(parsed.value)),
        omitted=parsed.omitted,
        fill_seconds=time.monotonic() - started_at,
        drifted=parsed.drifted,
    )
    return (yield from _stored(fresh_outcome(parsed, started_at), entry, result, cache))


def _stored(outcome: Outcome[P], entry: Entry, result: LookupResult, cache: Cache) -> Pipeline[Outcome[P]]:
    """Stores the outcome under its lease.

    If Redis says that no invalidation came in between, the outcome was true when the write was sent; else it is only
    known to have been true when the upstream was called.
    """
    if not result.token:
        return replace(outcome, is_unwatched=True)
    sent_at = time.monotonic()
    is_valid = yield StoreAnswer(cache.write_for(result, entry), outcome)
    return replace(outcome, true_at=sent_at) if is_valid else outcome


def _still_kept(
    call: Call[P], before: LookupResult, stale: Outcome[P] | None, cache: Cache
) -> Pipeline[Outcome[P] | None]:
    """Returns the last good answer; None if it was invalidated while the upstream was called.

    Its state is stale also within its TTL, because the caller wanted a newer one and got none; unless another process
    has filled the key meanwhile.
    """
    if stale is None or call.key is None:
        return None
    result = cast(LookupResult, (yield CacheLookup(key=call.key)))
    if result.status is LookupStatus.DOWN:
        return stale
    outcome = kept_outcome(call, result, cache)
    is_newer = result.stored_ms > before.at_ms
    return outcome if outcome is None or is_newer else replace(outcome, state=SectionState.STALE)


def _stale_or_raise(stale: Outcome[P] | None, error: UpstreamError) -> Outcome[P]:
    """Returns the last good answer with the error's code; raises the error without one, or on a refusal."""
    if stale is None or stale.is_absent or isinstance(error, UpstreamRejectedError):
        raise error
    return replace(stale, error=error.code) if stale.state is SectionState.STALE else stale
