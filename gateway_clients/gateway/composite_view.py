"""A view of several sections: kept whole when it is complete, made of what came when it is not.

A part of several sections is taken from the whole where that is kept; else it is kept as the part it is, under a key of
its own, so that a portal which asks for the same part again costs one look. So is a rendition of several sections.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gateway_clients.caching.keys import CacheKey
from gateway_clients.caching.lookups import CacheWrite, Entry, LookupResult, LookupStatus
from gateway_clients.errors import GatewayError, UpstreamNotFoundError
from gateway_clients.gateway.recent_keys import kept_views
from gateway_clients.gateway.view_spec import Rendition, SectionSpec, UnrenderableError, ViewSpec
from gateway_clients.pipeline.outcome import Freshness
from gateway_clients.pipeline.pending_call import PendingCall
from gateway_clients.pipeline.section import Section, SectionState

if TYPE_CHECKING:
    from gateway_clients.gateway.client import Gateway


class _KeptSection(msgspec.Struct, frozen=True, array_like=True):
    """A section within a kept view: its JSON, and how old it was when the view was kept."""

    name: str
    json: bytes
    age_seconds: float


#: States of sections that show nothing of what was asked for.
NOTHING: Final = (SectionState.FALLBACK, SectionState.UNAVAILABLE)
_NULL: Final = msgspec.Raw(b"null")
_json: Final = msgspec.json.Encoder().encode
_KEPT_VIEW: Final = msgspec.msgpack.Decoder(tuple[_KeptSection, ...])


class CompositeView:
    """A view whose calls were started, or will be at the first wait for anything of the same request.

    `is_rendered`, once it has been waited for: whether its sections are as the rendition has them. Not where one is
    missing or could not be rendered.
    """

    def __init__(
        self,
        gateway: "Gateway",
        spec: ViewSpec,
        subject_id: str,
        asked: Collection[str] | None,
        rendition: Rendition | None = None,
    ) -> None:
        self.spec = spec
        self.is_rendered = False
        self._gateway = gateway
        self._subject_id = subject_id
        self._asked = tuple(each for each in spec.sections if asked is None or each.name in asked)
        self._rendition = rendition if len(self._asked) > 1 else None
        self.keys = _keys(spec, subject_id, self._asked, self._rendition)
        self._is_kept = len(self._asked) == len(spec.sections) or len(self.keys) > 1
        self._reading: LookupResult | None = None
        self._calls: dict[str, PendingCall[Any]] = {}
        self._sections: dict[str, Section[msgspec.Raw]] | None = None

    @property
    def is_likely_kept(self) -> bool:
        """Whether it was kept when this process last saw it."""
        return any(key.name in kept_views() for key in self.keys)

    def start(self, results: Sequence[LookupResult]) -> None:
        """Takes what was found under its keys; its calls are added where that will not do."""
        if not self.take(results):
            self.add_calls()

    def take(self, results: Sequence[LookupResult]) -> bool:
        """Takes what was found under its keys, or under the first; whether that will do."""
        self._reading = results[0]
        for number, result in enumerate(results):
            kept = self._kept(result)
            if kept is not None:
                self.is_rendered = self._rendition is not None and number == 0
                self._sections = kept if self.is_rendered else self._rendered(kept)
                kept_views().add(result.key.name)
                self._gateway.kept.append(Freshness(SectionState.CACHED, result.ttl_seconds))
                return True
            kept_views().discard(result.key.name)
        return False

    def add_calls(self) -> None:
        """Adds the calls of its sections."""
        self._calls = {
            each.name: self._gateway.call(each.call(self._gateway, self._subject_id)) for each in self._asked
        }

    def _kept(self, result: LookupResult) -> dict[str, Section[msgspec.Raw]] | None:
        if result.status is not LookupStatus.HIT or result.entry is None:
            return None
        try:
            kept = {each.name: each for each in _KEPT_VIEW.decode(result.entry.body)}
        except msgspec.MsgspecError:
            self._gateway.fan_out.cache.discard(result.key)
            return None
        if not all(each.name in kept for each in self._asked):
            return None
        return {
            each.name: Section(
                msgspec.Raw(kept[each.name].json),
                SectionState.CACHED,
                result.age_seconds + kept[each.name].age_seconds,
            )
            for each in self._asked
        }

    def sections(self) -> Mapping[str, Section[msgspec.Raw]]:
        """Waits. Only the asked sections, in the view's order. Values are view models as msgspec.Raw JSON.

        Raises UpstreamNotFoundError when the section that decides existence was asked for and is not there,
        its own error when a single section was asked for and has nothing, NothingToShowError when every one of several
        is fallback or unavailable, GatewayOverloadedError when it was shed.
        """
        sections = self.parts()
        self._raise_if_nothing_came(sections)
        return sections

    def parts(self) -> Mapping[str, Section[msgspec.Raw]]:
        """As `sections`, also when every one of them is fallback or unavailable."""
        if self._reading is None:
            self._gateway.start()
        if self._sections is None:
            self._sections = self._made()
            self._gateway.fan_out.cache.store(self._fill())
        return self._sections

    def _section(self, spec: SectionSpec[Any, Any]) -> Section[msgspec.Raw]:
        pending, make_fallback = self._calls[spec.name], spec.fallback
        fallback = (lambda: make_fallback(self._subject_id)) if make_fallback is not None else None
        section = pending.section(spec.transform, fallback=fallback)
        if spec.decides_existence and section.value is None and section.state.is_complete:
            raise UpstreamNotFoundError(spec.service, upstream_status=404)
        value = msgspec.Raw(_json(section.value))
        return msgspec.structs.replace(section, value=value)

    def _raise_if_nothing_came(self, sections: Mapping[str, Section[Any]]) -> None:
        for section in sections.values():
            if section.state not in NOTHING:
                return
        if not sections:
            return
        errors = [error for pending in self._calls.values() if (error := pending.error) is not None]
        if len(sections) == len(errors) == 1:
            raise errors[0]
        raise NothingToShowError(errors)

    def early_write(self) -> list[CacheWrite]:
        """What to keep of the view, when all its calls have answered already; so that it is stored along with them."""
        if self._sections is not None or not all(pending.is_settled for pending in self._calls.values()):
            return []
        try:
            self._sections = self._made()
        except Exception:  # noqa: BLE001 - it is raised again where the view is asked for; others wait on this thread
            return []
        return self._fill()

    def _made(self) -> dict[str, Section[msgspec.Raw]]:
        return self._rendered({each.name: self._section(each) for each in self._asked})

    def _rendered(self, sections: dict[str, Section[msgspec.Raw]]) -> dict[str, Section[msgspec.Raw]]:
        if self._rendition is None or not all(section.state.is_complete for section in sections.values()):
            return sections
        try:
            rendered = {
                name: msgspec.structs.replace(section, value=self._rendition.render(name, section.value or _NULL))
                for name, section in sections.items()
            }
        except UnrenderableError:
            return sections
        self.is_rendered = True
        return rendered

    def _fill(self) -> list[CacheWrite]:
        sections, result = self._sections or {}, self._reading
        is_complete = all(section.is_whole for section in sections.values())
        is_as_asked = self.is_rendered or self._rendition is None
        if result is None or not (is_complete and is_as_asked and self._is_kept and result.stamp):
            return []
        if not all(_was_true_at(result, pending) for pending in self._calls.values()):
            # The stamp may be of later than a section, which may lack what changed in between.
            return []
        kept_views().add(result.key.name)
        kept = tuple(
            _KeptSection(name, bytes(each.value or _NULL), each.age_seconds) for name, each in sections.items()
        )
        return [self._gateway.fan_out.cache.write_for(result, Entry(msgspec.Raw(msgspec.msgpack.encode(kept))))]


def _keys(
    spec: ViewSpec, subject_id: str, asked: Sequence[SectionSpec[Any, Any]], rendition: Rendition | None
) -> tuple[CacheKey, ...]:
    """That of what is asked for, and the whole view's. One section alone is kept as its call's answer is."""
    subject = spec.subject(subject_id)
    whole = CacheKey(spec.data_class, spec.name, subject).shaped(spec.shape)
    is_part = 1 < len(asked) < len(spec.sections)
    if not (is_part or rendition):
        return (whole,)
    names = "+".join(section.name for section in asked)
    manner = f":{rendition.name}" if rendition else ""
    return CacheKey(spec.data_class, f"{spec.name}:{names}{manner}", subject).shaped(spec.shape), whole


def _was_true_at(result: LookupResult, pending: PendingCall[Any]) -> bool:
    """Whether what a call came to was true when Redis did this look, or later.

    It is so for what was found in the same look, and for what was found true after Redis had answered. What was found
    true after the question alone may be of before a change that got to Redis ahead of the question.
    """
    return pending.true_at == result.asked_at or pending.true_at >= result.answered_at


class NothingToShowError(GatewayError):
    """Every asked section is fallback or unavailable."""

    status = 503
    code = "upstream_unavailable"
    title = "Nothing can be shown at the moment"
    retry_after_seconds = 1.0

    def __init__(self, errors: Collection[BaseException]) -> None:
        super().__init__()
        waits = [error.retry_after_seconds or 0.0 for error in errors if isinstance(error, GatewayError)]
        self.retry_after_seconds = max([1.0, *waits])
