"""The first half of the pipeline: the cache, and who fills it; the second half is `attempt`.

The functions are generators that yield what they need done (`effects`) and are sent the result, so that one text serves
both clients: `event_loop` runs one of them on the calling thread, or many of them side by side on it.
"""

import time
from typing import Any, Final, Protocol, TypeVar, cast

import msgspec
from django.conf import settings
from msgspec.structs import replace

from gateway_clients.caching.lookups import ABSENT, CacheLookup, Entry, LookupResult, LookupStatus
from gateway_clients.caching.store import Cache
from gateway_clients.errors import (
    UpstreamError,
    UpstreamNotFoundError,
    UpstreamRejectedError,
)
from gateway_clients.pipeline.attempt import call_with_retry, fresh_outcome
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.effects import Pipeline, ReleaseLease, Sleep
from gateway_clients.pipeline.origin import RequestOrigin
from gateway_clients.pipeline.outcome import Outcome, SectionState
from gateway_clients.pipeline.upstreams import Upstream
from gateway_clients.resilience.deadline import Deadline

P = TypeVar("P")

#: Seconds that a lease outlives the budget of the fill it is for.
LEASE_RESERVE_SECONDS: Final = 0.5
#: Seconds between two looks for somebody else's fill: first, longest, and how they grow.
FIRST_LOOKUP_SECONDS: Final = 0.01
LONGEST_LOOKUP_SECONDS: Final = 0.1
LOOKUP_GROWTH: Final = 1.5
#: The share of a fill's budget after which whoever holds its lease may be dead: one of those who wait takes it over.
#: More than an upstream's timeout by default, so that one that is slow is not asked twice.
OVERDUE_SHARE: Final = 0.7
#: Found, and then the upstream is asked: with the lease, or without Redis.
ASKS: Final = (LookupStatus.LEASED, LookupStatus.DOWN)
_raw: Final = msgspec.Raw
_encoded: Final = msgspec.msgpack.Encoder().encode


class Listener(Protocol):
    """Who hears of a kept read before its end."""

    def hear_stale(self, outcome: Outcome[Any]) -> None:
        """The last good answer, before the upstream is asked."""

    def hear_early(self) -> None:
        """A shared entry is fresh but better filled anew now, before all its readers find it expired at once."""

    def hear_answer(self, outcome: Outcome[Any]) -> None:
        """An answer, before it is stored."""


def cached_read(
    call: Call[P],
    target: Upstream,
    origin: RequestOrigin,
    deadline: Deadline,
    *,
    cache: Cache,
    listener: Listener,
    is_fresh_wanted: bool = False,
) -> Pipeline[Outcome[P]]:
    """Cache: a fresh entry answers; else the lease holder asks and the others look for its entry; one of them takes the
    lease over when it does not come. A failure falls back to the last good one. Raises UpstreamError's kinds.
    """
    assert call.key is not None
    lookup = CacheLookup(
        key=call.key,
        lease_seconds=deadline.remaining_seconds + LEASE_RESERVE_SECONDS,
        newer_than_ms=-1 if is_fresh_wanted else 0,
        overdue_seconds=settings.READ_BUDGET_SECONDS * OVERDUE_SHARE,
    )
    result = cast(LookupResult, (yield lookup))
    wait_seconds, has_waited = FIRST_LOOKUP_SECONDS, False
    while True:
        kept = cached_outcome(call, result, cache)
        if kept is not None:
            if result.status is LookupStatus.HIT:
                if cache.is_refresh_due(result):
                    listener.hear_early()
                return replace(kept, is_collapsed=True) if has_waited else kept
            if not kept.is_absent:
                listener.hear_stale(kept)
        if result.status in ASKS or deadline.has_passed:
            return (
                yield from _fill(
                    call, target, origin, deadline, result=result, stale=kept, cache=cache, listener=listener
                )
            )
        if lookup.newer_than_ms < 0:
            lookup = replace(lookup, newer_than_ms=result.at_ms + 1)
        yield Sleep(min(wait_seconds, deadline.remaining_seconds))
        has_waited = True
        wait_seconds = min(wait_seconds * LOOKUP_GROWTH, LONGEST_LOOKUP_SECONDS)
        result = cast(LookupResult, (yield lookup))


def _fill(
    call: Call[P],
    target: Upstream,
    origin: RequestOrigin,
    deadline: Deadline,
    *,
    result: LookupResult,
    stale: Outcome[P] | None,
    cache: Cache,
    listener: Listener,
) -> Pipeline[Outcome[P]]:
    """Asks, and stores what came, also that there is nothing."""
    started_at = time.monotonic()
    try:
        parsed = yield from call_with_retry(call, target, origin, deadline)
    except UpstreamNotFoundError:
        absent = Outcome(cast(P, None), SectionState.FRESH, is_absent=True, true_at=started_at)
        return (yield from _stored(absent, ABSENT, result, cache))
    except UpstreamError as error:
        yield ReleaseLease(result)
        return _stale_or_raise((yield from _still_kept(call, result, stale, cache)), error)
    except Exception:
        yield ReleaseLease(result)
        raise
    outcome = fresh_outcome(parsed, started_at)
    listener.hear_answer(outcome)
    entry = Entry(
        _raw(_encoded(parsed.value)),
        omitted=parsed.omitted,
        fill_seconds=time.monotonic() - started_at,
        drifted=parsed.drifted,
    )
    return (yield from _stored(outcome, entry, result, cache))


def _stored(outcome: Outcome[P], entry: Entry, result: LookupResult, cache: Cache) -> Pipeline[Outcome[P]]:
    """Stores it under its lease. It was true when the store was sent if Redis says that nothing came in between; else
    no more is known than that it was when the upstream was asked.
    """
    if not result.token:
        return replace(outcome, is_unwatched=True)
    sent_at = time.monotonic()
    is_valid = yield cache.write_for(result, entry)
    return replace(outcome, true_at=sent_at) if is_valid else outcome


def _still_kept(
    call: Call[P], before: LookupResult, stale: Outcome[P] | None, cache: Cache
) -> Pipeline[Outcome[P] | None]:
    """The last good answer as it is now: what was invalidated while the upstream was asked is not shown any more.

    Stale also within its TTL, for one who asked past it in vain; unless somebody else has filled it meanwhile.
    """
    if stale is None or call.key is None:
        return None
    result = cast(LookupResult, (yield CacheLookup(key=call.key)))
    if result.status is LookupStatus.DOWN:
        return stale
    outcome = cached_outcome(call, result, cache)
    is_newer = result.stored_ms > before.at_ms
    return outcome if outcome is None or is_newer else replace(outcome, state=SectionState.STALE)


def cached_outcome(call: Call[P], result: LookupResult, cache: Cache) -> Outcome[P] | None:
    """The entry of a reading, where there is one that this version of the gateway can read; else it is dropped."""
    if result.entry is None:
        return None
    state = SectionState.CACHED if result.status is LookupStatus.HIT else SectionState.STALE
    entry, age_seconds, ttl_seconds = result.entry, result.age_seconds, result.ttl_seconds
    if entry.is_absent:
        return Outcome(
            cast(P, None), state, age_seconds, is_absent=True, true_at=result.asked_at, ttl_seconds=ttl_seconds
        )
    try:
        value = msgspec.msgpack.decode(entry.body, type=call.payload_type)
    except msgspec.MsgspecError:
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
    )


def _stale_or_raise(stale: Outcome[P] | None, error: UpstreamError) -> Outcome[P]:
    """The last good answer, which says why it is stale, unless the upstream refused the request itself."""
    if stale is None or stale.is_absent or isinstance(error, UpstreamRejectedError):
        raise error
    return replace(stale, error=error.code) if stale.state is SectionState.STALE else stale
