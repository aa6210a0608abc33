"""Values that each have an end: what is shown of them, what goes, and what stays."""

import pytest

from gateway_clients.runtime.expiring_values import ExpiringValues
from tests.support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_a_value_is_shown_until_its_end(clock: FakeClock) -> None:
    values = ExpiringValues[str](10, clock)
    values.put("a", "first", clock.now + 10.0)
    values.put("a", "second", clock.now + 20.0)
    shown = [values.get("a"), values.get("b")]
    clock.advance(19.9)
    shown.append(values.get("a"))
    clock.advance(0.1)
    shown.append(values.get("a"))

    assert shown == ["second", None, "second", None]


def test_those_that_are_over_are_never_more_than_those_that_are_not(clock: FakeClock) -> None:
    values, most = ExpiringValues[int](1_000_000, clock), 0
    for number in range(5_000):
        clock.advance(0.1)
        # A hundred live at a time, and one of those in ten for ten times as long.
        values.put(str(number), number, clock.now + (100.0 if number % 10 == 0 else 10.0))
        most = max(most, len(values))

    assert most <= 2 * (90 + 100) + 2
    clock.advance(100.0)
    for number in range(200):
        values.put(f"late-{number}", number, clock.now + 10.0)
    assert len(values) == 200


def test_of_too_many_those_go_that_came_first(clock: FakeClock) -> None:
    values = ExpiringValues[int](3, clock)
    for number in range(4):
        values.put(str(number), number, clock.now + 10.0)

    assert len(values) == 3
    assert (values.get("0"), values.get("3")) == (None, 3)


def test_one_that_is_needed_stays_until_its_end(clock: FakeClock) -> None:
    values = ExpiringValues[list[str]](3, clock, is_needed=bool)
    values.put("needed", ["x"], clock.now + 10.0)
    for number in range(10):
        values.put(str(number), [], clock.now + 100.0)
    in_need = (values.get("needed"), len(values))
    clock.advance(10.0)
    for number in range(10, 13):
        values.put(str(number), [], clock.now + 100.0)

    assert in_need == (["x"], 3)
    assert [values.get(str(number)) for number in range(10, 13)] == [[]] * 3


def test_where_all_are_needed_none_goes(clock: FakeClock) -> None:
    values = ExpiringValues[list[str]](1, clock, is_needed=bool)
    for number in range(5):
        values.put(str(number), ["x"], clock.now + 10.0)

    assert len(values) == 5
    values.clear()
    assert len(values) == 0
