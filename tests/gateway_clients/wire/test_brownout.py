"""A view gives up sections before it is given up itself."""

from collections.abc import Collection

import pytest
from pytest_django import Settings

from gateway_clients.errors import GatewayOverloadedError
from gateway_clients.pipeline.upstreams import admission, upstream
from gateway_clients.resilience.bulkhead import Bulkhead
from tests.gateway_clients.wire.steps import Upstreams
from tests.gateway_clients.wire.views import ALL, shown, states
from tests.support.upstream import RawUpstream, says_json

SERVICES = ("member", "claims", "policy")


@pytest.fixture
def three(upstreams: Upstreams, settings: Settings) -> list[RawUpstream]:
    settings.BULKHEAD_LIMIT = 1
    return upstreams(**{service: says_json({"value": service[0]}) for service in SERVICES})


def crowd(services: Collection[str]) -> list[Bulkhead]:
    """These answer, and so slowly that nobody who waits has a place in time."""
    bulkheads = [upstream(service).bulkhead for service in services]
    for bulkhead in bulkheads:
        bulkhead.enter()
        bulkhead.leave(1.9)
        bulkhead.enter()
    return bulkheads


def test_a_section_whose_place_would_come_too_late_is_given_up_and_says_so(three: list[RawUpstream]) -> None:
    crowd(["claims"])
    sections = shown(seconds=2.0)

    assert states(sections) == {"its_member": "fresh", "its_claims": "unavailable", "its_policy": "fresh"}
    assert [sections[name].error for name in ALL] == [None, "overloaded", None]
    assert [len(each.asked) for each in three] == [1, 0, 1]


def test_a_view_is_shed_once_no_section_is_left(three: list[RawUpstream]) -> None:
    crowd(SERVICES)

    with pytest.raises(GatewayOverloadedError) as shed:
        shown(seconds=2.0)

    assert (shed.value.code, shed.value.status, shed.value.retry_after_seconds) == ("overloaded", 503, 1.0)
    assert [each.asked for each in three] == [[], [], []]


def test_without_a_place_in_the_process_a_view_shows_the_sections_that_are_kept(
    three: list[RawUpstream], settings: Settings
) -> None:
    settings.ADMISSION_LIMIT = 1
    shown(sections=["its_policy"])
    asked = [len(each.asked) for each in three]
    assert admission().try_enter()
    sections = shown()
    admission().leave()

    assert states(sections) == {"its_member": "unavailable", "its_claims": "unavailable", "its_policy": "cached"}
    assert [sections[name].error for name in ALL] == ["overloaded", "overloaded", None]
    assert [len(each.asked) for each in three] == asked
