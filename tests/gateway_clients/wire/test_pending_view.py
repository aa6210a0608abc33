"""Views of several sections: kept whole when complete, never otherwise, and failing only when nothing came."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from pytest_django import Settings
from redis import Redis

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.names import entry_name
from gateway_clients.caching.store import default_cache, invalidations
from gateway_clients.conf import DataClass
from gateway_clients.errors import GatewayOverloadedError, UpstreamNotFoundError
from gateway_clients.fan_out.sections import Section
from gateway_clients.gateway import Gateway, NothingToShowError, Rendition, SectionSpec, UnrenderableError, ViewSpec
from gateway_clients.instrumentation.rates import rate_book
from gateway_clients.services.parsing import page
from gateway_clients.upstream.registry import admission
from tests.support.calls import ThingPayload, cache_that_is_down, call_of, gateway_for
from tests.support.upstream import RawUpstream, answer, says, says_json
from tests.support.waiting import wait_until

Upstreams = Callable[..., list[RawUpstream]]
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


@pytest.fixture
def three(upstreams: Upstreams, settings: Settings) -> list[RawUpstream]:
    settings.RETRY_BUDGET = 0.0
    return upstreams(
        member=says_json({"value": "m"}), claims=says_json({"value": "c"}), policy=says_json({"value": "p"})
    )


def shown(spec: ViewSpec = VIEW, **options: Any) -> dict[str, Section[Any]]:
    asked = options.pop("sections", None)
    return dict(gateway_for(**options).view(spec, "m-1", sections=asked).sections())


def values(sections: dict[str, Section[Any]]) -> dict[str, Any]:
    return {name: msgspec.json.decode(section.value) for name, section in sections.items()}


def states(sections: dict[str, Section[Any]]) -> dict[str, str]:
    return {name: str(section.state) for name, section in sections.items()}


def is_kept(settings: Settings, spec: ViewSpec = VIEW) -> bool:
    with Redis.from_url(settings.REDIS_URL) as redis:
        return bool(redis.exists(entry_name(CacheKey(spec.data_class, spec.name, Subject.member("m-1")))))


def drop_sections(settings: Settings) -> None:
    """So that only the whole view can answer."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        for data_class in CLASSES.values():
            redis.unlink(entry_name(CacheKey(data_class, "thing", Subject.member("m-1"))))


def counts(upstreams: list[RawUpstream]) -> list[int]:
    return [len(each.asked) for each in upstreams]


def test_a_complete_view_is_kept_whole(three: list[RawUpstream], settings: Settings) -> None:
    first = shown()
    drop_sections(settings)
    second = shown()

    assert (values(first), values(second)) == (ALL, ALL)
    assert states(first) == dict.fromkeys(ALL, "fresh")
    assert states(second) == dict.fromkeys(ALL, "cached")
    assert counts(three) == [1, 1, 1]


def test_a_part_of_a_kept_view_is_taken_from_the_whole(three: list[RawUpstream], settings: Settings) -> None:
    shown()
    drop_sections(settings)

    part = shown(sections=["its_policy", "its_claims"])

    assert list(part) == ["its_claims", "its_policy"]
    assert values(part) == {"its_claims": "c", "its_policy": "p"}
    assert counts(three) == [1, 1, 1]


def test_only_what_is_asked_for_is_sent_and_a_part_is_not_kept_as_a_whole(
    three: list[RawUpstream], settings: Settings
) -> None:
    part = shown(sections=["its_claims"])

    assert values(part) == {"its_claims": "c"}
    assert counts(three) == [0, 1, 0]
    assert not is_kept(settings)


def test_a_view_with_a_failed_section_shows_the_rest_and_is_not_kept(
    three: list[RawUpstream], settings: Settings
) -> None:
    three[1].say(FAILED)

    sections = shown()

    assert states(sections) == {"its_member": "fresh", "its_claims": "unavailable", "its_policy": "fresh"}
    assert sections["its_claims"].error == "upstream_unavailable"
    assert values(sections) == ALL | {"its_claims": None}
    assert not is_kept(settings)


def test_a_view_with_a_stale_section_is_not_kept(three: list[RawUpstream], settings: Settings) -> None:
    settings.CACHE_TTL_SECONDS_CLAIMS = 0.05
    shown(sections=["its_claims"])
    three[1].say(FAILED)

    wait_until(lambda: states(shown(sections=["its_claims"])) == {"its_claims": "stale"})

    assert states(shown()) == {"its_member": "fresh", "its_claims": "stale", "its_policy": "fresh"}
    assert not is_kept(settings)


def test_a_view_with_an_unreadable_item_is_not_kept(three: list[RawUpstream], settings: Settings) -> None:
    parse = page(ThingPayload)

    def call(_: Gateway, member_id: str) -> Any:
        return call_of("claims", parse=parse, payload_type=parse.payload_type)

    lists = section_of("claims", call=call, transform=lambda found: [each.value for each in found.items])
    spec = ViewSpec(name="lists", data_class=DataClass.DASHBOARD, subject=Subject.member, sections=(lists,))
    three[1].say(says_json({"items": [{"value": "a"}, "b"], "total": 2}))

    section = shown(spec)["its_claims"]

    assert (msgspec.json.decode(section.value), section.omitted) == (["a"], 1)
    assert not is_kept(settings, spec)


def test_a_fallback_stands_in_and_the_view_is_not_kept(three: list[RawUpstream], settings: Settings) -> None:
    knows_the_id = section_of("member", fallback=lambda member_id: f"only {member_id}")
    spec = ViewSpec(
        name="other", data_class=DataClass.DASHBOARD, subject=Subject.member, sections=(knows_the_id, VIEW.sections[1])
    )
    three[0].say(FAILED)

    sections = shown(spec)

    assert values(sections) == {"its_member": "only m-1", "its_claims": "c"}
    assert states(sections) == {"its_member": "fallback", "its_claims": "fresh"}
    assert not is_kept(settings, spec)


def test_who_is_not_there_has_no_view(three: list[RawUpstream], settings: Settings) -> None:
    three[0].say(MISSING)
    gateway = gateway_for()
    view = gateway.view(VIEW, "m-1")

    for _ in range(2):
        with pytest.raises(UpstreamNotFoundError):
            view.sections()
    assert not is_kept(settings)


def test_a_404_of_another_section_is_an_empty_section_and_complete(
    three: list[RawUpstream], settings: Settings
) -> None:
    three[1].say(MISSING)

    first = shown()
    drop_sections(settings)
    second = shown()

    assert values(first) == values(second) == ALL | {"its_claims": None}
    assert states(first)["its_claims"] == "fresh"
    assert counts(three) == [1, 1, 1]


def test_when_nothing_came_there_is_no_view(three: list[RawUpstream], settings: Settings) -> None:
    settings.BREAKER_FAILURES, settings.BREAKER_OPEN_SECONDS = 1, 30
    for each in three:
        each.say(FAILED)

    waits = []
    for _ in range(2):
        view = gateway_for().view(VIEW, "m-1")
        for _ in range(2):
            with pytest.raises(NothingToShowError) as caught:
                view.sections()
        waits.append(caught.value.retry_after_seconds)

    assert waits == [1.0, pytest.approx(30, abs=5)]
    assert (caught.value.status, caught.value.code) == (503, "upstream_unavailable")


def test_a_fallback_alone_is_nothing_to_show(three: list[RawUpstream]) -> None:
    spec = ViewSpec(
        name="other",
        data_class=DataClass.DASHBOARD,
        subject=Subject.member,
        sections=(section_of("member", fallback=lambda member_id: member_id),),
    )
    three[0].say(FAILED)

    with pytest.raises(NothingToShowError):
        shown(spec)


def test_a_fresh_view_may_be_wanted_and_is_kept_then(three: list[RawUpstream], settings: Settings) -> None:
    shown()
    three[1].say(says_json({"value": "newer"}))

    fresh = shown(is_fresh_wanted=True)
    drop_sections(settings)

    assert values(fresh) == values(shown()) == ALL | {"its_claims": "newer"}
    assert counts(three) == [2, 2, 2]


def test_an_invalidation_drops_the_view_with_its_sections(three: list[RawUpstream]) -> None:
    shown()
    three[1].say(says_json({"value": "newer"}))

    invalidations().invalidate(default_cache().guard, ["member:m-1"])

    assert values(shown()) == ALL | {"its_claims": "newer"}


def test_an_invalidation_while_the_sections_are_asked_keeps_the_view_from_being_kept(
    three: list[RawUpstream], settings: Settings
) -> None:
    def invalidates(wire: Any, _: Any) -> None:
        invalidations().invalidate(default_cache().guard, ["member:m-1"])
        wire.send(answer(b'{"value": "before"}'))

    three[1].say(invalidates)
    assert values(shown()) == ALL | {"its_claims": "before"}
    three[1].say(says_json({"value": "after"}))

    assert values(shown()) == ALL | {"its_claims": "after"}


@pytest.mark.parametrize("garbage", [b"\xc1", msgspec.msgpack.encode([["its_member", 5]])])
def test_a_kept_view_that_cannot_be_read_is_made_anew(three: list[RawUpstream], garbage: bytes) -> None:
    cache = default_cache()
    key = CacheKey(VIEW.data_class, VIEW.name, Subject.member("m-1"))
    cache.set(key, msgspec.Raw(garbage))

    assert values(shown()) == ALL
    assert counts(three) == [1, 1, 1]


def test_without_redis_a_view_is_made_each_time(three: list[RawUpstream]) -> None:
    cache = cache_that_is_down()

    assert [values(shown(cache=cache)) for _ in range(2)] == [ALL, ALL]
    assert counts(three) == [2, 2, 2]


def test_a_views_calls_are_sent_with_the_first_wait_for_anything(three: list[RawUpstream]) -> None:
    gateway = gateway_for()
    view = gateway.view(VIEW, "m-1", sections=["its_claims", "its_policy"])
    alone = gateway.call(call_of("member"))

    alone.require()

    assert counts(three) == [1, 1, 1]
    assert values(dict(view.sections())) == {"its_claims": "c", "its_policy": "p"}
    assert counts(three) == [1, 1, 1]


def test_a_view_is_shed_past_the_limit_unless_it_is_kept(three: list[RawUpstream], settings: Settings) -> None:
    settings.ADMISSION_LIMIT = 1
    shown()
    drop_sections(settings)
    assert admission().try_enter()
    try:
        assert values(shown()) == ALL
        with pytest.raises(GatewayOverloadedError):
            shown(ViewSpec(name="o", data_class=DataClass.DASHBOARD, subject=Subject.provider, sections=VIEW.sections))
    finally:
        admission().leave()


def test_a_broken_transformer_fails_its_own_request_and_no_other(three: list[RawUpstream]) -> None:
    def breaks(_: ThingPayload) -> str:
        raise ZeroDivisionError

    spec = ViewSpec(
        name="broken",
        data_class=DataClass.DASHBOARD,
        subject=Subject.member,
        sections=(section_of("claims", transform=breaks), VIEW.sections[2]),
    )
    with pytest.raises(ZeroDivisionError):
        shown(spec)

    assert values(shown()) == ALL
    assert counts(three) == [1, 1, 1]


def test_a_part_of_several_sections_is_kept_as_that_part(three: list[RawUpstream], settings: Settings) -> None:
    asked = ["its_policy", "its_claims"]
    first = shown(sections=asked)
    drop_sections(settings)
    second = shown(sections=asked)

    assert values(first) == values(second) == {"its_claims": "c", "its_policy": "p"}
    assert states(second) == dict.fromkeys(("its_claims", "its_policy"), "cached")
    assert counts(three) == [0, 1, 1]
    assert not is_kept(settings)


def test_behind_a_kept_part_the_whole_is_not_looked_for(three: list[RawUpstream]) -> None:
    asked = ["its_policy", "its_claims"]
    shown(sections=asked)
    before = rate_book().rates()
    shown(sections=asked)
    after = rate_book().rates()

    assert (after.hits - before.hits, after.misses - before.misses) == (1, 0)


def test_several_views_of_one_request_are_each_looked_for(three: list[RawUpstream]) -> None:
    shown()
    shown(sections=["its_policy", "its_claims"])
    gateway = gateway_for()
    views = [gateway.view(VIEW, "m-1", sections=names) for names in (("its_policy", "its_claims"), None)]

    assert [list(values(dict(view.sections()))) for view in views] == [["its_claims", "its_policy"], list(ALL)]
    assert counts(three) == [1, 1, 1]


def test_a_kept_part_is_no_other_part_and_not_the_whole(three: list[RawUpstream], settings: Settings) -> None:
    shown(sections=["its_policy", "its_claims"])

    assert values(shown(sections=["its_member", "its_claims"])) == {"its_member": "m", "its_claims": "c"}
    assert values(shown()) == ALL
    assert counts(three) == [1, 1, 1]
    assert is_kept(settings)


def test_a_part_with_a_failed_section_is_not_kept(three: list[RawUpstream], settings: Settings) -> None:
    three[1].say(FAILED)
    asked = ["its_policy", "its_claims"]

    assert states(shown(sections=asked))["its_claims"] == "unavailable"
    three[1].say(says_json({"value": "c"}))

    assert states(shown(sections=asked)) == {"its_claims": "fresh", "its_policy": "cached"}


def loud(section: str, json: msgspec.Raw) -> msgspec.Raw:
    return msgspec.Raw(bytes(json).upper())


def rendered(render: Callable[[str, msgspec.Raw], msgspec.Raw] = loud, name: str = "loud") -> tuple[bool, Any]:
    """Whether the view of a request is rendered, and its values."""
    view = gateway_for().view(VIEW, "m-1", rendition=Rendition(name=name, render=render))
    sections = dict(view.sections())
    return view.is_rendered, values(sections)


LOUD = {"its_member": "M", "its_claims": "C", "its_policy": "P"}


def test_a_rendition_is_kept_as_it_is(three: list[RawUpstream], settings: Settings) -> None:
    first = rendered()
    drop_sections(settings)

    def render(section: str, _: msgspec.Raw) -> msgspec.Raw:
        raise AssertionError(section)

    assert [first, rendered(render)] == [(True, LOUD)] * 2
    assert counts(three) == [1, 1, 1]
    assert not is_kept(settings)


def test_a_rendition_is_made_of_a_kept_whole_and_is_no_other_rendition(
    three: list[RawUpstream], settings: Settings
) -> None:
    shown()
    drop_sections(settings)
    found = [rendered(), rendered(lambda _section, json: json, name="quiet"), rendered()]

    assert found == [(True, LOUD), (True, ALL), (True, LOUD)]
    assert counts(three) == [1, 1, 1]


def test_what_cannot_be_rendered_is_shown_as_it_is_and_not_kept(three: list[RawUpstream], settings: Settings) -> None:
    def render(section: str, json: msgspec.Raw) -> msgspec.Raw:
        if section == "its_policy":
            raise UnrenderableError
        return loud(section, json)

    assert [rendered(render) for _ in range(2)] == [(False, ALL)] * 2
    assert rendered() == (True, LOUD)


def test_a_view_with_a_failed_section_is_not_rendered(three: list[RawUpstream]) -> None:
    three[1].say(FAILED)
    is_rendered, found = rendered()
    three[1].say(says_json({"value": "c"}))

    assert (is_rendered, found) == (False, ALL | {"its_claims": None})
    assert rendered() == (True, LOUD)
