"""A view of several sections: cached whole when it is complete, put together of its sections' calls otherwise.

Several sections of a view are taken from the whole where that is cached; else they are cached as that part, under a key
of its own, so that the next request for the same part costs one lookup. So is a rendition of several sections.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

import msgspec

from gateway_clients.audit.members import members_in
from gateway_clients.caching.lease_cache import ABSENT_SECONDS
from gateway_clients.caching.lookups import CacheLookup, CacheWrite, LookupResult, LookupStatus
from gateway_clients.errors import GatewayError, UpstreamNotFoundError
from gateway_clients.gateway.kept_sections import NULL, packed, unpacked
from gateway_clients.gateway.outage import outage_of
from gateway_clients.gateway.recent_keys import kept_views
from gateway_clients.gateway.view_keys import view_keys
from gateway_clients.gateway.view_spec import Rendition, SectionSpec, UnrenderableError, ViewSpec
from gateway_clients.pipeline.call import Call
from gateway_clients.pipeline.fan_out import FanOut
from gateway_clients.pipeline.outcome import Freshness, SectionState
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.pending_value import PendingValue
from gateway_clients.pipeline.section import Section
from gateway_clients.pipeline.trace import NEAR, REDIS
from gateway_clients.services import Services

P = TypeVar("P")

_SERVICES: Final = Services()
_json: Final = msgspec.json.Encoder().encode


class RequestCalls(Protocol):
    """The calls of one request, as its Gateway adds and starts them."""

    fan_out: FanOut
    kept: list[Freshness]

    def call(self, call: Call[P]) -> PendingCall[P]:
        """Adds a call."""

    def start(self) -> None:
        """Sends what was added and not sent."""


class CompositeView(PendingValue[Mapping[str, Section[msgspec.Raw]]]):
    """A view whose calls are sent, with the others of the request, at the first wait for any of them.

    `is_rendered` says, once the view was waited for, whether the rendition made its sections; it is False where a
    section is missing or could not be rendered.
    """

    def __init__(
        self,
        gateway: RequestCalls,
        spec: ViewSpec,
        subject_id: str,
        asked: Collection[str] | None,
        rendition: Rendition | None = None,
    ) -> None:
        self.spec = spec
        self.is_rendered = False
        self._gateway = gateway
        self.subject_id = subject_id
        self._asked = tuple(each for each in spec.sections if asked is None or each.name in asked)
        self._rendition = rendition if len(self._asked) > 1 else None
        self.keys = view_keys(spec, subject_id, self._asked, self._rendition)
        self._is_kept = len(self._asked) == len(spec.sections) or len(self.keys) > 1
        self._reading: LookupResult | None = None
        self._calls: dict[str, PendingCall[Any]] = {}
        self._sections: dict[str, Section[msgspec.Raw]] | None = None

    @property
    def is_likely_kept(self) -> bool:
        """Whether this process saw it cached the last time."""
        return any(key.name in kept_views() for key in self.keys)

    def lookups(self, newer_than_ms: int, *, ends_lookups: bool) -> list[CacheLookup]:
        """Returns a lookup for each of its keys. `ends_lookups`: after a hit nothing more is looked up."""
        return [CacheLookup(key=key, newer_than_ms=newer_than_ms, ends_lookups=ends_lookups) for key in self.keys]

    def take(self, results: Sequence[LookupResult]) -> bool:
        """Takes the results under its keys, or under the first; returns whether one of them is the view."""
        self._reading = results[0]
        for number, result in enumerate(results):
            kept = self._kept(result)
            if kept is not None:
                self.is_rendered = self._rendition is not None and number == 0
                self._sections = kept if self.is_rendered else self._rendered(kept)
                kept_views().add(result.key.name)
                self._gateway.kept.append(Freshness(SectionState.CACHED, result.ttl_seconds, is_near=result.is_near))
                return True
            kept_views().discard(result.key.name)
        return False

    def add_calls(self) -> None:
        """Adds the calls of its sections."""
        self._calls = {each.name: self._gateway.call(each.call(_SERVICES, self.subject_id)) for each in self._asked}

    def _kept(self, result: LookupResult) -> dict[str, Section[msgspec.Raw]] | None:
        if result.status is not LookupStatus.HIT or result.entry is None:
            return None
        try:
            return unpacked(result.entry, result, [each.name for each in self._asked])
        except (ValueError, RecursionError):
            self._gateway.fan_out.cache.discard(result.key)
            return None

    def sections(self) -> Mapping[str, Section[msgspec.Raw]]:
        """Waits. Only the asked sections, in the view's order. Values are view models as msgspec.Raw JSON.

        Raises UpstreamNotFoundError when the section that decides existence was asked for and is not there,
        its own error when a single section was asked for and has nothing, NothingToShowError when every one of several
        is fallback or unavailable, GatewayOverloadedError when there was room for none of them.
        """
        sections = self.parts()
        outage = self.outage
        if outage is not None:
            raise outage
        return sections

    def advance(self) -> Mapping[str, Section[msgspec.Raw]]:
        """Waits for the sections, as `sections` does."""
        return self.sections()

    def parts(self) -> Mapping[str, Section[msgspec.Raw]]:
        """As `sections`, also when every one of them is fallback or unavailable."""
        if self._reading is None:
            self._gateway.start()
        if self._sections is None:
            self._sections = self._made()
            self._gateway.fan_out.cache.store(self._writes())
        self._gateway.fan_out.origin.trace.note_view(self.spec.name, self._sections, self._kept_in, self._calls)
        return self._sections

    @property
    def _kept_in(self) -> str:
        if self._calls or self._reading is None:
            return ""
        return NEAR if self._reading.is_near else REDIS

    def _section(self, spec: SectionSpec[Any, Any]) -> Section[msgspec.Raw]:
        pending, make_fallback = self._calls[spec.name], spec.fallback
        fallback = (lambda: make_fallback(self.subject_id)) if make_fallback is not None else None
        section = pending.section(spec.transform, fallback=fallback)
        if spec.decides_existence and section.value is None and section.state.is_complete:
            raise UpstreamNotFoundError(spec.service, upstream_status=404)
        members = None if self.spec.is_about_a_member else members_in(section.value)
        return msgspec.structs.replace(section, value=msgspec.Raw(_json(section.value)), members=members)

    @property
    def outage(self) -> GatewayError | None:
        """Why nothing can be shown, once it has been waited for; None where something can, or nothing was asked for."""
        errors = (error for pending in self._calls.values() if (error := pending.error) is not None)
        return outage_of(self._sections or {}, errors)

    def writes(self) -> list[CacheWrite]:
        """Returns the write that caches the view, to be stored along with its calls; none before all have answered."""
        if self._sections is not None or not all(pending.is_settled for pending in self._calls.values()):
            return []
        try:
            self._sections = self._made()
        except Exception:  # noqa: BLE001 - it is raised again where the view is asked for; others wait on this thread
            return []
        return self._writes()

    def _made(self) -> dict[str, Section[msgspec.Raw]]:
        return self._rendered({each.name: self._section(each) for each in self._asked})

    def _rendered(self, sections: dict[str, Section[msgspec.Raw]]) -> dict[str, Section[msgspec.Raw]]:
        if self._rendition is None or not all(section.state.is_complete for section in sections.values()):
            return sections
        try:
            rendered = {
                name: msgspec.structs.replace(
                    section, value=self._rendition.render(self.subject_id, name, section.value or NULL)
                )
                for name, section in sections.items()
            }
        except UnrenderableError:
            return sections
        self.is_rendered = True
        return rendered

    def _writes(self) -> list[CacheWrite]:
        sections, result = self._sections or {}, self._reading
        is_complete = all(section.is_whole for section in sections.values())
        is_as_asked = self.is_rendered or self._rendition is None
        if result is None or not (is_complete and is_as_asked and self._is_kept and result.stamp):
            return []
        if not all(_was_true_at(result, pending) for pending in self._calls.values()):
            # The stamp may be later than a section, which may lack a change in between; and an entry that answers once
            # more after it has expired does not do so within a view as well.
            return []
        kept_views().add(result.key.name)
        write = self._gateway.fan_out.cache.write_for(result, packed(sections))
        if any(pending.came_to is not None and pending.came_to.is_absent for pending in self._calls.values()):
            fresh_seconds = min(write.fresh_seconds, ABSENT_SECONDS)
            write = msgspec.structs.replace(write, fresh_seconds=fresh_seconds, kept_seconds=fresh_seconds)
        return [write]


def _was_true_at(result: LookupResult, pending: PendingCall[Any]) -> bool:
    """Returns whether a call's outcome was true when Redis made this lookup, or later, and has not expired.

    It was if it came of the same lookup, or was asked for after Redis had answered. An outcome that was asked for
    between the lookup's question and answer may be older than a change that Redis saw before the question.
    """
    outcome = pending.came_to
    if outcome is not None and outcome.is_expired:
        return False
    return pending.true_at == result.asked_at or pending.true_at >= result.answered_at
