"""A view of three sections, and what tests ask of it."""

from typing import Any

import msgspec
from pytest_django import Settings
from redis import Redis

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.redis_keys import entry_name
from gateway_clients.conf import DataClass
from gateway_clients.gateway import Gateway, SectionSpec, ViewSpec
from gateway_clients.pipeline.section import Section
from tests.support.calls import ThingPayload, call_of, gateway_for
from tests.support.upstream import RawUpstream, answer, says

FAILED = says(answer(status="500 Internal Server Error"))
MISSING = says(answer(status="404 Not Found"))
CLASSES = {"member": DataClass.MEMBER, "claims": DataClass.CLAIMS, "policy": DataClass.COVERAGE}


def section_of(service: str, **changes: Any) -> SectionSpec[ThingPayload, str]:
    def call(_: Gateway, member_id: str) -> Any:
        key = CacheKey(CLASSES[service], "thing", subject=Subject.member(member_id))
        return call_of(service, target=f"/members/{member_id}", key=key)

    fields: dict[str, Any] = {
        "name": f"its_{service}",
        "service": service,
        "call": call,
        "transform": lambda thing: thing.value,
    }
    return SectionSpec(**(fields | changes))


VIEW = ViewSpec(
    name="dashboard",
    data_class=DataClass.DASHBOARD,
    subject=Subject.member,
    sections=(section_of("member", decides_existence=True), section_of("claims"), section_of("policy")),
)
ALL = {"its_member": "m", "its_claims": "c", "its_policy": "p"}


def shown(spec: ViewSpec = VIEW, **options: Any) -> dict[str, Section[Any]]:
    asked = options.pop("sections", None)
    return dict(gateway_for(**options).view(spec, "m-1", sections=asked).sections())


def values(sections: dict[str, Section[Any]]) -> dict[str, Any]:
    return {name: msgspec.json.decode(section.value) for name, section in sections.items()}


def states(sections: dict[str, Section[Any]]) -> dict[str, str]:
    return {name: str(section.state) for name, section in sections.items()}


def is_kept(settings: Settings, spec: ViewSpec = VIEW) -> bool:
    return kept_ms(settings, spec) > 0


def kept_ms(settings: Settings, spec: ViewSpec = VIEW) -> int:
    """Milliseconds for which the whole view is kept yet; negative where it is not."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        key = CacheKey(spec.data_class, spec.name, Subject.member("m-1")).shaped(spec.shape)
        return int(redis.pttl(entry_name(key)))


def drop_sections(settings: Settings) -> None:
    """So that only the whole view can answer."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        for data_class in CLASSES.values():
            redis.unlink(entry_name(CacheKey(data_class, "thing", Subject.member("m-1"))))


def counts(upstreams: list[RawUpstream]) -> list[int]:
    return [len(each.asked) for each in upstreams]
