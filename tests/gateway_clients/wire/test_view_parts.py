"""Parts of a view and renditions: what is kept of them, and what is taken from a kept whole."""

from collections.abc import Callable
from typing import Any

import msgspec
from pytest_django import Settings

from gateway_clients.gateway import Rendition, UnrenderableError
from gateway_clients.instrumentation.rates import rate_book
from tests.gateway_clients.wire.views import (
    ALL,
    FAILED,
    VIEW,
    counts,
    drop_sections,
    is_kept,
    shown,
    states,
    values,
)
from tests.support.calls import gateway_for
from tests.support.upstream import RawUpstream, says_json


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


def loud(_subject: str, section: str, json: msgspec.Raw) -> msgspec.Raw:
    return msgspec.Raw(bytes(json).upper())


def rendered(render: Callable[[str, str, msgspec.Raw], msgspec.Raw] = loud, name: str = "loud") -> tuple[bool, Any]:
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
    found = [rendered(), rendered(lambda _subject, _section, json: json, name="quiet"), rendered()]

    assert found == [(True, LOUD), (True, ALL), (True, LOUD)]
    assert counts(three) == [1, 1, 1]


def test_what_cannot_be_rendered_is_shown_as_it_is_and_not_kept(three: list[RawUpstream], settings: Settings) -> None:
    def render(_subject: str, section: str, json: msgspec.Raw) -> msgspec.Raw:
        if section == "its_policy":
            raise UnrenderableError
        return loud("m-1", section, json)

    assert [rendered(render) for _ in range(2)] == [(False, ALL)] * 2
    assert rendered() == (True, LOUD)


def test_a_view_with_a_failed_section_is_not_rendered(three: list[RawUpstream]) -> None:
    three[1].say(FAILED)
    is_rendered, found = rendered()
    three[1].say(says_json({"value": "c"}))

    assert (is_rendered, found) == (False, ALL | {"its_claims": None})
    assert rendered() == (True, LOUD)
