"""The calls of one request, with the deadline, origin and cache that they share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from django.conf import settings

from gateway_clients.caching.recent_writers import has_just_written
from gateway_clients.caching.store import Cache, default_cache
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.origin import RequestOrigin
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.upstreams import admission, reserved_admission
from gateway_clients.resilience.admission import Admission
from gateway_clients.resilience.deadline import Deadline

P = TypeVar("P")

#: Seconds kept back of the request's budget, to put the answer together.
ANSWER_RESERVE_SECONDS: Final = 0.05
#: With less than this share of `READ_BUDGET` left, fills run in the background pool with a full
#: budget, so that one short deadline cannot fail a fill that others share.
OWN_THREAD_SHARE: Final = 0.9


@dataclass(slots=True, kw_only=True)
class FanOut:
    """The calls of one request; a `CallBatch` sends those that wait together.

    `is_reserved`: they do not share the places and threads of reads. `is_crowded`: fresh entries answer, and what would
    need a call to an upstream is shed. `may_revalidate`: entries that have just expired may answer, unless the account
    has just written. `waited_seconds`: how long the request waited for its turn; in a crowd that makes nobody hurry, or
    each request would take another thread and place.
    """

    origin: RequestOrigin
    deadline: Deadline
    is_fresh_wanted: bool = False
    is_reserved: bool = False
    is_crowded: bool = False
    may_revalidate: bool = False
    waited_seconds: float = 0.0
    cache: Cache = field(default_factory=default_cache)
    calls: list[PendingCall[Any]] = field(default_factory=list)
    _waiting: list[PendingCall[Any]] = field(default_factory=list)
    _may_show_expired: bool | None = None

    def call(self, call: Call[P], start: Callable[[], None]) -> PendingCall[P]:
        """Adds a call; `start` sends it, with the others, at the first wait for it."""
        pending = PendingCall(call, start)
        self.calls.append(pending)
        self._waiting.append(pending)
        return pending

    @property
    def has_waiting(self) -> bool:
        """Whether calls were added that are not sent yet."""
        return bool(self._waiting)

    def take_waiting(self) -> list[PendingCall[Any]]:
        """Returns the calls that were added and not sent; the caller sends them."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def forget(self, needless: list[PendingCall[Any]]) -> None:
        """Drops calls that were added and never sent."""
        self.calls = [pending for pending in self.calls if pending not in needless]

    def may_show_expired(self) -> bool:
        """Whether an entry just past its time may answer. It asks Redis once, where it is not clear."""
        if self._may_show_expired is None:
            account_id = self.origin.on_behalf_of
            is_allowed = self.may_revalidate and not self.is_fresh_wanted and not self.is_reserved
            self._may_show_expired = (
                is_allowed and account_id is not None and not has_just_written(self.cache.circuit, account_id)
            )
        return self._may_show_expired

    @property
    def place(self) -> Admission:
        """The limit of requests that wait on upstreams."""
        return reserved_admission() if self.is_reserved else admission()

    @property
    def answer_by(self) -> Deadline:
        """The deadline by which the calls must have ended, so that an answer can be made of them."""
        return self.deadline.earlier_by(ANSWER_RESERVE_SECONDS)

    @property
    def is_in_hurry(self) -> bool:
        """Whether a portal gave, or other calls left, too little time for fills that other requests may share."""
        had_seconds = self.answer_by.remaining_seconds + self.waited_seconds
        return had_seconds < OWN_THREAD_SHARE * settings.READ_BUDGET_SECONDS
