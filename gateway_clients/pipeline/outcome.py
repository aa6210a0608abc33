"""The outcome of a call, and the state that a section has by it."""

from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

P = TypeVar("P")


class SectionState(StrEnum):
    """The state of a section of an answer."""

    FRESH = "fresh"
    CACHED = "cached"
    STALE = "stale"
    FALLBACK = "fallback"
    UNAVAILABLE = "unavailable"

    @property
    def is_complete(self) -> bool:
        """Whether a view with a section in this state counts as complete."""
        return self is SectionState.FRESH or self is SectionState.CACHED


class Freshness(msgspec.Struct, frozen=True):
    """The part that the cache had in an answer (RFC 9211).

    `ttl_seconds`: for how long the entry is still fresh, negative since it expired; None without an entry.
    `is_collapsed`: another request's call was waited for. `is_near`: it came from this process's own memory. `state`
    is a section's, or an error's code.
    """

    state: str
    ttl_seconds: float | None = None
    is_collapsed: bool = False
    is_near: bool = False

    @property
    def is_expired(self) -> bool:
        """Whether it answers past its time, while it is asked for anew."""
        return self.state == SectionState.CACHED and self.ttl_seconds is not None and self.ttl_seconds <= 0


class Outcome(msgspec.Struct, Generic[P], frozen=True):
    """The payload, where it came from, its age in seconds, how many items could not be read.

    `is_absent`: the upstream said 404 and `value` means nothing. `true_at`: the last monotonic moment of this process
    after which it was found true; what changed later may be missing. `is_unwatched`: it was asked for without Redis,
    which alone could tell what others changed meanwhile. `drifted` names the fields that could not be read, and `error`
    is the code of the failure that a stale answer stands in for. `ttl_seconds`, `is_collapsed` and `is_near`: see
    `Freshness`.
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
    is_near: bool = False

    @property
    def is_expired(self) -> bool:
        """Whether it answers past its time, while it is asked for anew."""
        return self.freshness.is_expired

    @property
    def freshness(self) -> Freshness:
        """The part that the cache had in it."""
        return Freshness(self.state, self.ttl_seconds, self.is_collapsed, self.is_near)
