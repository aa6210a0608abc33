"""What a call came to, and where that came from."""

from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

P = TypeVar("P")


class SectionState(StrEnum):
    """How an answer, or a part of a view, came about."""

    FRESH = "fresh"
    CACHED = "cached"
    STALE = "stale"
    FALLBACK = "fallback"
    UNAVAILABLE = "unavailable"

    @property
    def is_complete(self) -> bool:
        """Whether a view with such a section still counts as complete."""
        return self is SectionState.FRESH or self is SectionState.CACHED


class Freshness(msgspec.Struct, frozen=True):
    """How an answer came about, for who wants to know what the cache had to do with it (RFC 9211).

    `ttl_seconds`: for how long what was kept is still fresh; below 0 since when it is not; None: nothing kept.
    `is_collapsed`: somebody else's call was waited for. `state` is a section's, or an error's code.
    """

    state: str
    ttl_seconds: float | None = None
    is_collapsed: bool = False


class Outcome(msgspec.Struct, Generic[P], frozen=True):
    """The payload, where it came from, its age in seconds, how many items could not be read.

    `is_absent`: the upstream said 404 and `value` means nothing. `true_at`: the last monotonic moment of this process
    after which it was found true; what changed later may be missing. `is_unwatched`: it was asked for without Redis,
    which alone could tell what others changed meanwhile. `drifted` names the fields that could not be read, and `error`
    is the code of the failure that a stale answer stands in for. `ttl_seconds` and `is_collapsed`: see `Freshness`.
    """

    value: P
    state: SectionState
    age_seconds: float = 0.0
    omitted: int = 0
    is_absent: bool = False
    true_at: float = 0.0
    is_unwatched: bool = False
    drifted: tuple[str, ...] = ()
    error: str | None = None
    ttl_seconds: float | None = None
    is_collapsed: bool = False

    @property
    def freshness(self) -> Freshness:
        """How it came about."""
        return Freshness(self.state, self.ttl_seconds, self.is_collapsed)
