"""The typed clients of one request."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from django.conf import settings

from gateway_clients.caching.counters import Count
from gateway_clients.caching.lookups import CacheLookup, LookupResult
from gateway_clients.caching.recent_writers import note_writer
from gateway_clients.caching.round_trip import RedisRoundTrip
from gateway_clients.errors import GatewayOverloadedError, LimitExceededError
from gateway_clients.gateway.composite_view import CompositeView
from gateway_clients.gateway.view_spec import Rendition, ViewSpec
from gateway_clients.instrumentation.request_span import RequestSpan
from gateway_clients.pipeline import transfers
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.call_batch import CallBatch
from gateway_clients.pipeline.download import Incoming, Promised
from gateway_clients.pipeline.fan_out import FanOut
from gateway_clients.pipeline.origin import RequestOrigin
from gateway_clients.pipeline.outcome import Freshness
from gateway_clients.pipeline.pending_call import CallTiming, PendingCall
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.services import Services

P = TypeVar("P")


@dataclass(slots=True, kw_only=True)
class Gateway(Services):
    """The typed clients of one request, with its identity, its deadline, and whether cached answers will do.

    `is_reserved`: its calls do not share the places and threads of reads. `is_crowded`: cached answers are served,
    and what would need a call to an upstream is shed. `may_revalidate`: entries that have just expired may answer.
    `waited_seconds`: how long the request waited for its turn.
    `count` is raised in the first round trip to Redis: over its limit no upstream is called.
    `may_be_unchanged`: the portal holds an answer already. Over the limit it is served from the cache all the same, as
    an unchanged answer counts for nothing; the caller refuses any other.
    """

    request_id: str
    deadline: Deadline
    on_behalf_of: str | None = None
    traceparent: str | None = None
    tracestate: str = ""
    span: RequestSpan | None = None
    is_fresh_wanted: bool = False
    is_reserved: bool = False
    is_crowded: bool = False
    may_revalidate: bool = False
    waited_seconds: float = 0.0
    count: Count | None = None
    may_be_unchanged: bool = False
    fan_out: FanOut = field(init=False)
    kept: list[Freshness] = field(init=False, default_factory=list)
    has_streamed: bool = field(init=False, default=False)
    _views: list[CompositeView] = field(init=False, default_factory=list)
    _added: dict[tuple[Any, ...], Any] | None = field(init=False, default=None)
    _is_let_past: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        origin = RequestOrigin(
            request_id=self.request_id,
            on_behalf_of=self.on_behalf_of,
            traceparent=self.traceparent or None,
            tracestate=self.tracestate,
            span=self.span,
        )
        self.fan_out = FanOut(
            origin=origin,
            deadline=self.deadline,
            is_fresh_wanted=self.is_fresh_wanted,
            is_reserved=self.is_reserved,
            is_crowded=self.is_crowded,
            may_revalidate=self.may_revalidate,
            waited_seconds=self.waited_seconds,
        )

    def call(self, call: Call[P]) -> PendingCall[P]:
        """Adds a call; it is sent, with the others, at the first wait. Of merged reads the same one is added once."""
        if not call.is_repeatable:
            self._note_write()
            return self.fan_out.call(call, self.start)
        identity = (call.service, call.method, call.target, call.body)
        added: PendingCall[P] = self._once(identity, lambda: self.fan_out.call(call, self.start))
        return added

    def download(self, call: Call[Any], promised: Promised) -> Incoming:
        """Starts a download whose bytes are handed on as they come, within `STREAM_BUDGET_SECONDS`.

        Waits until the first bytes are checked against `promised`; the caller closes what is returned. Raises the
        subclasses of UpstreamError, and GatewayOverloadedError where there is no place.
        """
        self._count_now()
        if self.is_crowded:
            raise GatewayOverloadedError
        return transfers.download(call, self.fan_out.origin, self._stream_deadline, promised)

    def upload(self, call: Call[P], pieces: Iterable[bytes]) -> P:
        """Sends a body piece by piece, within `STREAM_BUDGET_SECONDS`, and returns the answer's payload.

        Raises the subclasses of UpstreamError, and what iterating `pieces` raises.
        """
        self._count_now()
        self.has_streamed = True
        self._note_write()
        return transfers.upload(call, pieces, self.fan_out.origin, self._stream_deadline)

    def _note_write(self) -> None:
        if self.on_behalf_of is not None:
            note_writer(self.fan_out.cache.circuit, self.on_behalf_of)

    @property
    def _stream_deadline(self) -> Deadline:
        return Deadline.after(settings.STREAM_BUDGET_SECONDS)

    def view(
        self,
        spec: ViewSpec,
        subject_id: str,
        *,
        sections: Collection[str] | None = None,
        rendition: Rendition | None = None,
    ) -> CompositeView:
        """Adds a view with the asked sections (None: all); its calls are sent, with the others, at the first wait."""

        def add() -> CompositeView:
            view = CompositeView(self, spec, subject_id, sections, rendition)
            self._views.append(view)
            return view

        identity = (spec.name, subject_id, sections and frozenset(sections), rendition and rendition.name)
        added: CompositeView = self._once(identity, add)
        return added

    def merge_reads(self) -> None:
        """From here to the end of the request the same view and the same read are added once."""
        self._added = {} if self._added is None else self._added

    def start(self) -> None:
        """Sends all that was added, and waits until it is settled or the deadline has passed.

        plan → look up → ask → store. Raises LimitExceededError when the request's count is over
        its limit.
        """
        self._require_within_limit()
        views, self._views = self._views, []
        ahead = self._view_ahead(views)
        if ahead is not None:
            ahead.add_calls()
        elif views:
            self._look_up_views(views)
        if ahead is None and not self.fan_out.has_waiting:
            self._count_now()
            return
        with CallBatch(self.fan_out) as batch:
            if self._look_up_calls(batch, ahead):
                batch.ask()
                batch.store([write for view in views for write in view.writes()])
                batch.finish()

    def _view_ahead(self, views: Sequence[CompositeView]) -> CompositeView | None:
        """Returns the view that is looked up in one round trip with its calls, or None.

        Only a lone view that is unlikely to be cached: for any other its calls would be built for nothing.
        """
        is_alone = len(views) == 1 and not self.is_fresh_wanted and not self.fan_out.has_waiting
        return views[0] if is_alone and not views[0].is_likely_kept else None

    def _look_up_views(self, views: Sequence[CompositeView]) -> None:
        """Looks views up in one round trip, and adds the calls of those that are not cached."""
        newer_than_ms, is_alone = -1 if self.is_fresh_wanted else 0, len(views) == 1
        lookups = [view.lookups(newer_than_ms, ends_lookups=is_alone) for view in views]
        results = iter(self._sent([lookup for each in lookups for lookup in each]))
        self._require_within_limit()
        for view, each in zip(views, lookups, strict=True):
            if not view.take(list(islice(results, len(each)))):
                view.add_calls()

    def _look_up_calls(self, batch: CallBatch, ahead: CompositeView | None) -> bool:
        """Looks the calls up, behind the view `ahead` that may make them needless; returns whether they are needed."""
        first = ahead.lookups(0, ends_lookups=True) if ahead is not None else []
        results = self._sent([*first, *batch.lookups])
        own = results[len(first) :]
        if self._is_exceeded or (ahead is not None and ahead.take(results[: len(first)])):
            batch.abandon(own)
            self._require_within_limit()
            return False
        if len(own) < len(batch.lookups):
            # The view was there, and nobody could read it.
            own = self.fan_out.cache.read(batch.lookups)
        batch.look_up(own)
        return True

    def _sent(self, lookups: Sequence[CacheLookup]) -> Sequence[LookupResult]:
        """Returns the results of lookups; counts the request in the same round trip, if it was not counted yet."""
        count = self.count if self.count is not None and self.count.value is None else None
        trip = RedisRoundTrip(count=count, lookups=lookups)
        self.fan_out.cache.send(trip)
        return trip.results

    @property
    def _is_exceeded(self) -> bool:
        return self.count is not None and self.count.is_exceeded and not self._is_let_past

    def _require_within_limit(self) -> None:
        """Raises LimitExceededError. A caller who was over the limit lately is counted before anything is looked up."""
        if self.count is not None and self.count.value is None and self.count.likely_exceeds:
            self._sent([])
            if self.may_be_unchanged and self.count.is_exceeded:
                self._is_let_past = self.is_crowded = self.fan_out.is_crowded = True
                self.fan_out.may_revalidate = False
        if self._is_exceeded:
            raise LimitExceededError

    def _count_now(self) -> None:
        if self.count is not None and self.count.value is None:
            self._sent([])
        self._require_within_limit()

    def _once(self, identity: tuple[Any, ...], add: Callable[[], Any]) -> Any:
        if self._added is None:
            return add()
        if identity not in self._added:
            self._added[identity] = add()
        return self._added[identity]

    @property
    def timings(self) -> list[CallTiming]:
        """Returns how long each call took and might have taken, for `Server-Timing`."""
        return [pending.timing_by(self.deadline) for pending in self.fan_out.calls if pending.is_settled]

    @property
    def freshness(self) -> list[Freshness]:
        """Returns whether each cached view and each call was fresh, cached or stale, for `Cache-Status`."""
        return [*self.kept, *(pending.freshness for pending in self.fan_out.calls if pending.is_settled)]
