"""The names that were added last are remembered in a table whose size does not depend on how many there were."""

import tracemalloc

from gateway_clients.gateway import recent_keys
from gateway_clients.gateway.recent_keys import RecentKeys


def test_a_name_is_there_from_when_it_is_added_until_it_is_discarded() -> None:
    seen = RecentKeys()
    names = [f"dashboard:member:m-{number}" for number in range(100)]
    for name in names:
        seen.add(name)
    found = sum(name in seen for name in names)
    seen.discard(names[-1])
    seen.discard("never added")

    assert found >= 99  # two that share a slot are as likely as 100²/2 to 2¹⁶
    assert names[-1] not in seen
    assert sum(name in seen for name in names) == found - 1
    assert not any(f"other:{name}" in seen for name in names)


def test_a_name_is_forgotten_for_another_in_its_slot() -> None:
    seen = RecentKeys(slot_bits=0)
    for name in "ab":
        seen.add(name)
    seen.discard("a")

    assert [name in seen for name in "ab"] == [False, True]


def test_most_of_what_was_added_lately_is_remembered_and_the_memory_does_not_grow() -> None:
    seen = RecentKeys()
    names = [f"dashboard:member:m-{number}" for number in range(100_000)]
    tracemalloc.start()
    try:
        for name in names:
            seen.add(name)
        kept = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, recent_keys.__file__)])
    finally:
        tracemalloc.stop()

    assert sum(each.size for each in kept.statistics("filename")) < 10_000
    assert sum(name in seen for name in names[-10_000:]) > 8_000
