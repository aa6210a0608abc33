"""Views of several sections: kept whole when complete, never otherwise, and failing only when nothing came."""

from typing import Any

import msgspec
import pytest
from pytest_django import Settings

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.lease_cache import PARTIAL_SECONDS
from gateway_clients.caching.lookups import CacheLookup
from gateway_clients.caching.store import default_cache, invalidations
from gateway_clients.conf import DataClass
from gateway_clients.edge.output.view_models import meta_of
from gateway_clients.errors import GatewayOverloadedError, UpstreamNotFoundError, UpstreamServerError
from gateway_clients.gateway import Gateway, NothingToShowError, ViewSpec
from gateway_clients.pipeline.upstreams import admission
from gateway_clients.runtime.languages import Language, current_language
from gateway_clients.services.payload_parser import page
from tests.gateway_clients.wire.views import (
    ALL,
    FAILED,
    MISSING,
    VIEW,
    counts,
    drop_sections,
    is_kept,
    kept_ms,
    section_of,
    shown,
    states,
    values,
)
from tests.support.calls import NotedPayload, ThingPayload, cache_that_is_down, call_of, gateway_for, key_of
from tests.support.upstream import RawUpstream, answer, says_json
from tests.support.waiting import wait_until


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


def test_a_view_that_is_kept_in_one_language_does_not_answer_in_another(
    three: list[RawUpstream], settings: Settings
) -> None:
    shown()
    drop_sections(settings)
    token = current_language.set(Language.INDONESIAN)
    try:
        assert states(shown()) == dict.fromkeys(ALL, "fresh")
        drop_sections(settings)
        assert states(shown(sections=["its_policy", "its_claims"])) == {"its_claims": "cached", "its_policy": "cached"}
    finally:
        current_language.reset(token)
    assert counts(three) == [2, 2, 2]


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
    assert shown(sections=["its_claims"])["its_claims"].error == "upstream_unavailable"

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


def test_a_view_with_a_drifted_section_says_so_and_is_not_kept(three: list[RawUpstream], settings: Settings) -> None:
    parse = page(NotedPayload)
    key = key_of()

    def call(_: Gateway, member_id: str) -> Any:
        return call_of("claims", parse=parse, payload_type=parse.payload_type, key=key)

    notes = section_of("claims", call=call, transform=lambda found: [each.note for each in found.items])
    spec = ViewSpec(name="notes", data_class=DataClass.DASHBOARD, subject=Subject.member, sections=(notes,))
    three[1].say(says_json({"items": [{"value": "a", "note": 7}], "total": 1}))

    seen = [shown(spec)["its_claims"] for _ in range(2)]

    assert [(msgspec.json.decode(each.value), each.state, each.drifted) for each in seen] == [
        ([None], "fresh", ("note",)),
        ([None], "cached", ("note",)),
    ]
    assert [meta_of({"its_claims": each}).complete for each in seen] == [False, False]
    assert not is_kept(settings, spec)
    (reading,) = default_cache().read([CacheLookup(key=key)])
    assert 0 < reading.fresh_seconds <= PARTIAL_SECONDS


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


def test_a_view_knows_no_longer_than_its_call_that_there_is_nothing(
    three: list[RawUpstream], settings: Settings
) -> None:
    shown()
    whole_ms = kept_ms(settings)
    default_cache().invalidations.invalidate_everything(default_cache().circuit)
    three[1].say(MISSING)

    shown()

    assert 0 < kept_ms(settings) <= 30_000 < whole_ms


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


def test_a_section_alone_fails_as_its_call_does(three: list[RawUpstream]) -> None:
    spec = ViewSpec(
        name="other",
        data_class=DataClass.DASHBOARD,
        subject=Subject.member,
        sections=(section_of("member", fallback=lambda member_id: member_id),),
    )
    three[0].say(FAILED)

    with pytest.raises(UpstreamServerError):
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

    invalidations().invalidate(default_cache().circuit, ["member:m-1"])

    assert values(shown()) == ALL | {"its_claims": "newer"}


def test_an_invalidation_while_the_sections_are_asked_keeps_the_view_from_being_kept(
    three: list[RawUpstream], settings: Settings
) -> None:
    def invalidates(wire: Any, _: Any) -> None:
        invalidations().invalidate(default_cache().circuit, ["member:m-1"])
        wire.send(answer(b'{"value": "before"}'))

    three[1].say(invalidates)
    assert values(shown()) == ALL | {"its_claims": "before"}
    three[1].say(says_json({"value": "after"}))

    assert values(shown()) == ALL | {"its_claims": "after"}


NO_TEXT = msgspec.msgpack.encode([["x", b"null", 0.0, None]]).replace(b"\xa1x", b"\xa1\xff")


@pytest.mark.parametrize("garbage", [b"\xc1", msgspec.msgpack.encode([["its_member", 5]]), NO_TEXT])
def test_a_kept_view_that_cannot_be_read_is_made_anew(three: list[RawUpstream], garbage: bytes) -> None:
    cache = default_cache()
    key = CacheKey(VIEW.data_class, VIEW.name, Subject.member("m-1")).shaped(VIEW.shape)
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
