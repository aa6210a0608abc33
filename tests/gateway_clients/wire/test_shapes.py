"""Two versions of the gateway on one Redis never read each other's entries."""

from typing import Any

import msgspec
import pytest

from dashboard.view_models import DashboardMember
from gateway_clients.caching.shapes import shape_of
from gateway_clients.edge.output.view_models import ViewModel
from gateway_clients.gateway import ViewSpec
from gateway_clients.services.payload_parser import one, page
from tests.gateway_clients.wire.views import VIEW, counts, section_of, shown, states, values
from tests.support.calls import ThingPayload, call_of, gateway_for, key_of
from tests.support.upstream import RawUpstream, says_json


class NextThingPayload(ThingPayload, frozen=True):
    """What the next version of the gateway reads of a thing."""

    note: str | None = None


class ThingView(ViewModel):
    """What this version shows."""

    value: str


class NextThingView(ViewModel):
    """What the next version shows."""

    value: str
    note: str


def to_thing(thing: ThingPayload) -> ThingView:
    return ThingView(value=thing.value)


def to_next_thing(thing: ThingPayload) -> NextThingView:
    return NextThingView(value=thing.value, note="new")


def view_of(transform: Any) -> ViewSpec:
    sections = (section_of("member", transform=transform), *VIEW.sections[1:])
    return ViewSpec(name=VIEW.name, data_class=VIEW.data_class, subject=VIEW.subject, sections=sections)


def test_a_field_that_comes_or_goes_or_changes_makes_another_shape() -> None:
    shapes = [
        shape_of(msgspec.defstruct("Thing", fields))
        for fields in (
            [("value", str)],
            [("value", str | None)],
            [("value", str, "")],
            [("value", int)],
            [("valued", str)],
            [("value", str), ("note", str)],
            [("value", str), ("inner", msgspec.defstruct("Inner", [("size", int)]))],
            [("value", str), ("inner", msgspec.defstruct("Inner", [("size", float)]))],
        )
    ]

    assert len(set(shapes)) == len(shapes)
    assert shape_of(ThingPayload) == one(ThingPayload).shape != page(ThingPayload).shape
    assert shape_of(DashboardMember) == shape_of(DashboardMember)


@pytest.mark.parametrize("sections", [None, ["its_member", "its_claims"]], ids=["the whole", "a part"])
def test_a_kept_view_is_read_by_the_versions_of_its_shape_alone(
    three: list[RawUpstream], sections: list[str] | None
) -> None:
    this, following = view_of(to_thing), view_of(to_next_thing)

    seen = [values(shown(spec, sections=sections))["its_member"] for spec in (this, following, this, following)]

    assert seen == [{"value": "m"}, {"value": "m", "note": "new"}] * 2
    assert set(states(shown(this, sections=sections)).values()) == {"cached"}
    assert set(states(shown(following, sections=sections)).values()) == {"cached"}


def test_a_kept_answer_is_read_by_the_versions_of_its_shape_alone(three: list[RawUpstream]) -> None:
    three[1].say(says_json({"value": "c", "note": "seen"}))

    def asked(payload_type: type[ThingPayload]) -> ThingPayload:
        parse = one(payload_type)
        call = call_of(parse=parse, payload_type=payload_type, key=key_of().shaped(parse.shape))
        return gateway_for().call(call).require()

    seen = [asked(kind) for kind in (ThingPayload, NextThingPayload, ThingPayload, NextThingPayload)]

    assert seen == [ThingPayload(value="c"), NextThingPayload(value="c", note="seen")] * 2
    assert counts(three)[1] == 2
