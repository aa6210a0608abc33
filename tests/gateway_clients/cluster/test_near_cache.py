"""What a process keeps in its memory."""

import gc
import weakref
from collections.abc import Callable

import pytest

from gateway_clients.cluster.near_cache import LONGEST_LOOK_SECONDS, MOST_DROPS, OVERHEAD_BYTES, NearCache
from tests.support.clock import FakeClock


class Holder:
    has_lease = True

    def __call__(self) -> bool:
        return self.has_lease


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def holder() -> Holder:
    return Holder()


@pytest.fixture
def near(clock: FakeClock, holder: Holder) -> NearCache:
    return NearCache(100_000, holder, clock=clock)


@pytest.fixture
def put(near: NearCache, clock: FakeClock) -> Callable[..., bool]:
    def put(name: str, *tags: str, size: int = 0, seconds: float = 60.0, asked_at: float | None = None) -> bool:
        moment = clock.now if asked_at is None else asked_at
        return near.put(name, f"of {name}", tags=tags, size_bytes=size, seconds=seconds, asked_at=moment)

    return put


Put = Callable[..., bool]


def test_it_shows_what_is_fresh_while_there_is_a_lease(
    near: NearCache, put: Put, clock: FakeClock, holder: Holder
) -> None:
    clock.advance(1.0)
    assert put("a", seconds=10.0)
    seen = [near.get("a")]
    holder.has_lease = False
    seen.append(near.get("a"))
    holder.has_lease = True
    clock.advance(9.9)
    seen.append(near.get("a"))
    clock.advance(0.2)
    seen.append(near.get("a"))

    assert seen == ["of a", None, "of a", None]


def test_a_dropped_tag_takes_all_that_has_it(near: NearCache, put: Put) -> None:
    put("a", "member:m-1", "member:m-1:claims")
    put("b", "member:m-1")
    put("c", "member:m-2")
    near.drop(["member:m-1:claims"])
    first = [near.get(name) for name in "abc"]
    near.drop(["member:m-1"])
    second = [near.get(name) for name in "abc"]
    near.drop(())

    assert first == [None, "of b", "of c"]
    assert second == [None, None, "of c"]
    assert (near.get("c"), len(near), near.size_bytes) == (None, 0, 0)


@pytest.mark.parametrize("dropped", [("member:m-1",), ()], ids=["its tag", "everything"])
def test_what_was_asked_for_before_a_drop_is_not_kept_behind_it(
    near: NearCache, put: Put, clock: FakeClock, dropped: tuple[str, ...]
) -> None:
    asked_at = clock.now
    clock.advance(0.1)
    near.drop(dropped)

    assert put("a", "member:m-1", asked_at=asked_at) is False
    assert put("a", "member:m-1", asked_at=clock.now) is False
    clock.advance(0.1)
    assert put("a", "member:m-1") is True


@pytest.mark.parametrize("drops_in_between", [0, 1, 7])
@pytest.mark.parametrize("looked_for_seconds", [0.1, 0.5 * LONGEST_LOOK_SECONDS, 0.99 * LONGEST_LOOK_SECONDS])
def test_a_drop_is_remembered_for_as_long_as_a_look_may_take(
    near: NearCache, put: Put, clock: FakeClock, looked_for_seconds: float, drops_in_between: int
) -> None:
    for _ in range(20):
        asked_at = clock.now
        near.drop(["member:m-1"])
        for number in range(drops_in_between):
            clock.advance(looked_for_seconds / drops_in_between)
            near.drop([f"member:other-{number}"])
        if not drops_in_between:
            clock.advance(looked_for_seconds)

        assert put("a", "member:m-1", asked_at=asked_at) is False
        clock.advance(0.37)


def test_what_took_longer_to_look_up_is_not_kept(put: Put, clock: FakeClock) -> None:
    asked_at = clock.now
    clock.advance(LONGEST_LOOK_SECONDS)

    assert put("a", "member:m-1", asked_at=asked_at) is False
    assert put("a", "member:m-1") is True


def test_drops_of_long_ago_void_nothing_and_take_no_memory(near: NearCache, put: Put, clock: FakeClock) -> None:
    class Tag(str):
        """A text that a test can see go."""

    first = Tag("member:m-0")
    is_held = weakref.ref(first)
    put("a", "member:m-1", seconds=600.0)
    near.drop([first])
    del first
    for number in range(3 * MOST_DROPS):
        clock.advance(5 * LONGEST_LOOK_SECONDS / MOST_DROPS)
        near.drop([f"claim:{number}"])
    gc.collect()

    assert near.get("a") == "of a"
    assert is_held() is None


def test_a_flood_of_drops_voids_everything_and_is_forgotten(near: NearCache, put: Put, clock: FakeClock) -> None:
    asked_at = clock.now
    put("a", "member:m-1", seconds=600.0)
    near.drop(f"claim:{number}" for number in range(MOST_DROPS))
    kept = near.get("a")
    clock.advance(0.1)
    near.drop(["claim:one-more"])

    assert (kept, near.get("a"), put("b", "member:m-2", asked_at=asked_at)) == ("of a", None, False)
    clock.advance(0.1)
    assert put("b", "member:m-2") is True


def test_without_a_lease_nothing_is_kept(near: NearCache, put: Put, holder: Holder) -> None:
    holder.has_lease = False

    assert (put("a"), len(near)) == (False, 0)


def test_it_holds_so_many_bytes_and_forgets_the_oldest_first(near: NearCache, put: Put) -> None:
    for number in range(20):
        assert put(f"{number}", "t", size=9_000)

    assert [near.get(str(number)) is not None for number in range(20)] == [False] * 10 + [True] * 10
    assert near.size_bytes == 10 * (9_000 + OVERHEAD_BYTES)
    assert put("large", size=20_000) is False


def test_what_is_put_again_counts_once(near: NearCache, put: Put) -> None:
    for _ in range(5):
        put("a", "t", size=500)

    assert (len(near), near.size_bytes) == (1, 500 + OVERHEAD_BYTES)
