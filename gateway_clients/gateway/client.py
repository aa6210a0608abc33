"""The typed clients of one request."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from django.conf import settings

from gateway_clients.caching.lookups import CacheLookup, LookupResult
from gateway_clients.errors import GatewayOverloadedError
from gateway_clients.gateway.composite_view import CompositeView
from gateway_clients.gateway.view_spec import Rendition, ViewSpec
from gateway_clients.pipeline import streaming
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.fan_out import FanOut
from gateway_clients.pipeline.origin import RequestOrigin
from gateway_clients.pipeline.outcome import Freshness
from gateway_clients.pipeline.pending_call import CallTiming, PendingCall
from gateway_clients.pipeline.waves import NotYetError
from gateway_clients.redis_access.script import PiggybackCommand
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.services.benefit import BenefitService
from gateway_clients.services.claims import ClaimsService
from gateway_clients.services.document import DocumentService
from gateway_clients.services.member import MemberService
from gateway_clients.services.notification import NotificationService
from gateway_clients.services.payment import PaymentService
from gateway_clients.services.policy import PolicyService
from gateway_clients.services.provider import ProviderService

P = TypeVar("P")


@dataclass(slots=True, kw_only=True)
class Gateway:
    """The typed clients of one request: whose call it is, how much time it has, whether kept answers will do.

    `is_reserved`: its calls do not share the places and threads of reads. `is_crowded`: what is kept answers, and
    whatever would have to be asked for is shed.
    `piggyback` is settled before anything is asked for; what it raises is raised by whoever waits.
    """

    claims: ClassVar = ClaimsService()
    member: ClassVar = MemberService()
    provider: ClassVar = ProviderService()
    benefit: ClassVar = BenefitService()
    policy: ClassVar = PolicyService()
    notification: ClassVar = NotificationService()
    payment: ClassVar = PaymentService()
    document: ClassVar = DocumentService()

    request_id: str
    deadline: Deadline
    on_behalf_of: str | None = None
    traceparent: str | None = None
    is_fresh_wanted: bool = False
    is_reserved: bool = False
    is_crowded: bool = False
    piggyback: PiggybackCommand | None = None
    fan_out: FanOut = field(init=False)
    kept: list[Freshness] = field(init=False, default_factory=list)
    _views: list[CompositeView] = field(init=False, default_factory=list)
    _added: dict[tuple[Any, ...], Any] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        origin = RequestOrigin(request_id=self.request_id, on_behalf_of=self.on_behalf_of, traceparent=self.traceparent)
        self.fan_out = FanOut(
            origin=origin,
            deadline=self.deadline,
            is_fresh_wanted=self.is_fresh_wanted,
            is_reserved=self.is_reserved,
            is_crowded=self.is_crowded,
        )

    def call(self, call: Call[P]) -> PendingCall[P]:
        """Adds a call; it is sent, with the others, at the first wait. Once held, the same read is added once."""
        if not call.is_repeatable:
            return self._add(call)
        identity = (call.service, call.method, call.target, call.body)
        added: PendingCall[P] = self._once(identity, lambda: self._add(call))
        return added

    def download(self, call: Call[Any], promised: streaming.Promised) -> streaming.Incoming:
        """Asks for bytes that are handed on as they come, within `STREAM_BUDGET_SECONDS`.

        Waits until it is seen that they are what was promised; whoever got them closes them. Raises UpstreamError's
        kinds, GatewayOverloadedError for one who has no place.
        """
        self._finish_piggyback()
        if self.is_crowded:
            raise GatewayOverloadedError
        return streaming.download(call, self.fan_out.origin, self._stream_deadline, promised)

    def upload(self, call: Call[P], pieces: Iterable[bytes]) -> P:
        """Sends a body as its pieces come, within `STREAM_BUDGET_SECONDS`.

        Raises UpstreamError's kinds, and what the pieces raise.
        """
        self._finish_piggyback()
        return streaming.upload(call, pieces, self.fan_out.origin, self._stream_deadline)

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

    @property
    def is_held(self) -> bool:
        """Whether calls are only added at the moment."""
        return self.fan_out.is_held

    def hold(self) -> None:
        """From here to `release` calls and views are only added, NotYetError for whoever waits.

        From here to the end of the request the same view and the same read are added once.
        """
        self._added = {} if self._added is None else self._added
        self.fan_out.is_held = True

    def release(self) -> None:
        """Lets waiting send again."""
        self.fan_out.is_held = False

    def start(self) -> None:
        """Sends all that was added, and waits until it is settled or the deadline has passed.

        Raises NotYetError while held, and what finishing the piggybacked command raises.
        """
        if self.is_held:
            raise NotYetError
        views, self._views = self._views, []
        speculation = self._looked_for(views)
        self.fan_out.start(lambda: [fill for view in views for fill in view.early_write()], speculation)

    def _looked_for(self, views: Sequence[CompositeView]) -> "_ViewLookup | None":
        """Looks for the views that were added, in one round trip, and adds the calls of those that are not kept.

        One alone that is hardly kept is to be looked for together with its calls.
        """
        if not views:
            self._finish_piggyback()
            return None
        newer_than_ms, is_alone = -1 if self.is_fresh_wanted else 0, len(views) == 1
        lookups = [
            CacheLookup(key=key, newer_than_ms=newer_than_ms, ends_lookups=is_alone)
            for view in views
            for key in view.keys
        ]
        if is_alone and not (self.is_fresh_wanted or views[0].is_likely_kept) and self.fan_out.may_speculate:
            if self.piggyback is not None and self.piggyback.likely_refused:
                self.piggyback.finish()
            views[0].add_calls()
            return _ViewLookup(lookups, self.piggyback, views[0])
        results = self.fan_out.cache.read(lookups, self.piggyback)
        self._finish_piggyback()
        if is_alone:
            views[0].start(results)
        else:
            rest = iter(results)
            for view in views:
                view.start([next(rest) for _ in view.keys])
        return None

    def _finish_piggyback(self) -> None:
        if self.piggyback is not None:
            self.piggyback.finish()

    def _add(self, call: Call[P]) -> PendingCall[P]:
        return self.fan_out.call(call, self.start)

    def _once(self, identity: tuple[Any, ...], add: Callable[[], Any]) -> Any:
        if self._added is None:
            return add()
        if identity not in self._added:
            self._added[identity] = add()
        return self._added[identity]

    @property
    def timings(self) -> list[CallTiming]:
        """How long each call took, for `Server-Timing`."""
        return [pending.timing for pending in self.fan_out.calls if pending.is_settled]

    @property
    def freshness(self) -> list[Freshness]:
        """How each view that was kept whole, and each call, came about, for `Cache-Status`."""
        return [*self.kept, *(pending.freshness for pending in self.fan_out.calls if pending.is_settled)]


class _ViewLookup:
    """A view that is looked for together with its calls."""

    def __init__(self, lookups: Sequence[CacheLookup], piggyback: PiggybackCommand | None, view: CompositeView) -> None:
        self.lookups = lookups
        self.piggyback = piggyback
        self._view = view

    def take(self, results: Sequence[LookupResult]) -> bool:
        """Whether the view is not kept. Raises what finishing the piggybacked command raises."""
        if self.piggyback is not None:
            self.piggyback.finish()
        return not self._view.take(results)
