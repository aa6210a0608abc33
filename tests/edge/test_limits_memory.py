"""What a process remembers of those it counts by: as much as there are at a time, however many there have been."""

import tracemalloc
from collections.abc import Callable
from typing import ClassVar

import pytest

from gateway_clients.caching import counters
from gateway_clients.caching.counters import Count, HeldCounts, LocalCounters
from gateway_clients.caching.store import default_circuit
from gateway_clients.edge.rate_limit import pauses
from gateway_clients.edge.rate_limit.pauses import LocalPauses, Schedule
from tests.support.clock import FakeClock

LIFE_SECONDS = 60
AT_A_TIME = 200
#: What a counter may take, its key and its share of a table included.
BYTES_EACH = 1_000

#: Counts under a key.
Counting = Callable[[str], None]


def held(clock: FakeClock) -> Counting:
    counts = HeldCounts(default_circuit(), processes=lambda: 1, clock=clock)

    def learn(key: str) -> None:
        count = Count(key, life_seconds=LIFE_SECONDS, limit=100)
        count.value = 1
        counts.learn(count)

    return learn


def local(clock: FakeClock) -> Counting:
    counts = LocalCounters(clock)
    return lambda key: _ignore(counts.count(key, 1, LIFE_SECONDS))


def paused(clock: FakeClock) -> Counting:
    kept, schedule = LocalPauses(clock), Schedule(free=5, longest_seconds=60, remembered_seconds=LIFE_SECONDS)
    return lambda key: _ignore(kept.count(key, schedule))


def _ignore(_: object) -> None:
    """Nobody asks for it."""


@pytest.mark.parametrize("counting", [held, local, paused])
def test_what_is_over_is_forgotten(counting: Callable[[FakeClock], Counting]) -> None:
    clock = FakeClock()
    count = counting(clock)
    tracemalloc.start()
    try:
        for number in range(30 * AT_A_TIME):
            clock.advance(LIFE_SECONDS / AT_A_TIME)
            count(f"client:{number:030d}")
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken < 3 * AT_A_TIME * BYTES_EACH


class Key(str):
    """Knows how often anybody's table looked for its place."""

    __slots__ = ()
    looks: ClassVar[int] = 0

    def __hash__(self) -> int:
        Key.looks += 1
        return super().__hash__()


@pytest.mark.parametrize("counting", [held, local, paused])
def test_a_flood_of_those_that_live_takes_so_much_memory_and_each_costs_the_same(
    counting: Callable[[FakeClock], Counting], monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 1_000
    monkeypatch.setattr(counters, "MAX_LOCAL_KEYS", most)
    monkeypatch.setattr(pauses, "MAX_LOCAL_KEYS", most)
    count = counting(FakeClock())
    monkeypatch.setattr(Key, "looks", 0)
    dearest = 0
    tracemalloc.start()
    try:
        for number in range(3 * most):
            before = Key.looks
            count(Key(f"client:{number:030d}"))
            dearest = max(dearest, Key.looks - before)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken < most * BYTES_EACH
    # A table grows by itself now and then, without looking for anybody's place.
    assert dearest < 20
