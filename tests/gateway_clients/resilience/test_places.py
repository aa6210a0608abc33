"""The threads of a server process, shared out to kinds of requests."""

from collections import Counter
from itertools import cycle, islice

import pytest

from gateway_clients.errors import GatewayOverloadedError
from gateway_clients.resilience.places import STUCK_SECONDS, Kind, ThreadPlaces
from tests.support.clock import FakeClock

KINDS = [Kind.READ, Kind.RESERVED, Kind.PROBE]


def entered(places: ThreadPlaces, *kinds: Kind) -> Counter[Kind]:
    """How many of these got a place."""
    got: Counter[Kind] = Counter()
    for kind in kinds:
        try:
            places.enter(kind)
        except GatewayOverloadedError:
            continue
        got[kind] += 1
    return got


@pytest.mark.parametrize(
    ("threads", "reads", "reserved"),
    [(192, 160, 16), (32, 24, 4), (64, 48, 8), (16, 12, 2), (8, 6, 1), (4, 3, 1), (2, 1, 1)],
)
def test_reads_that_are_stuck_leave_places_for_what_is_reserved_and_the_other_way_round(
    threads: int, reads: int, reserved: int
) -> None:
    for first, then in ((Kind.READ, Kind.RESERVED), (Kind.RESERVED, Kind.READ)):
        places = ThreadPlaces(threads)
        assert entered(places, *[first] * threads) == {first: reads}
        assert entered(places, *[then] * threads) == {then: reserved}


@pytest.mark.parametrize("threads", [1, 2, 3, 4, 8, 16, 32, 64])
def test_there_are_no_more_places_than_threads_but_for_the_smallest_number(threads: int) -> None:
    places = ThreadPlaces(threads)
    taken = entered(places, *islice(cycle(KINDS), 3 * threads))

    assert all(taken[kind] >= 1 for kind in KINDS if threads > 1)
    assert taken[Kind.READ] + taken[Kind.RESERVED] <= threads
    assert taken.total() <= threads or threads < 16


def test_reads_are_stuck_once_none_has_come_or_gone_for_half_a_second() -> None:
    clock = FakeClock()
    places = ThreadPlaces(8, clock=clock)
    seen = [places.are_reads_moving]
    for step in (places.enter, places.leave):
        clock.advance(STUCK_SECONDS)
        seen.append(places.are_reads_moving)
        step(Kind.READ)
        seen.append(places.are_reads_moving)

    assert seen == [True, False, True, False, True]


def test_a_place_that_is_given_back_goes_to_the_next() -> None:
    places = ThreadPlaces(1)
    places.enter(Kind.READ)
    with pytest.raises(GatewayOverloadedError):
        places.enter(Kind.RESERVED)
    places.leave(Kind.READ)

    places.enter(Kind.RESERVED)
    assert [places.taken(kind) for kind in KINDS] == [0, 1, 0]
