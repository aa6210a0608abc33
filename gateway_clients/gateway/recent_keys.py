"""Remembers which views Redis most likely holds: those are looked up before their calls are built.

The others are looked for together with their calls, so that a cold view costs one lookup.

Measured (`tests.bench.pairs`, 2026-11-29): looking every view up together with its calls takes
1.248 ± 0.014 times as much processor time for a kept dashboard (warm-rest), and 1.012 ± 0.016
times for one that is asked for (cold-rest).
"""

from array import array
from typing import Final

from gateway_clients.runtime.singletons import process_singleton

#: A name's place in the table is given by so many bits of its hash; so the table takes 256 kB.
SLOT_BITS: Final = 16
#: A slot has this many bits of the hash beside those that give its place.
TAG_BITS: Final = 32


class RecentKeys:
    """The names that were added last, each as a tag in a table of fixed size: a name replaces another in its slot.

    So a worker's memory does not grow with the names that it has seen. A name that was never added is taken for one
    with a probability of 2 to the minus `TAG_BITS` at most.
    """

    def __init__(self, slot_bits: int = SLOT_BITS) -> None:
        self._slot_bits = slot_bits
        self._tags = array("I", bytes(4 << slot_bits))

    def __contains__(self, name: str) -> bool:
        slot, tag = self._place(name)
        return self._tags[slot] == tag

    def add(self, name: str) -> None:
        """Remembers the name as added last."""
        slot, tag = self._place(name)
        self._tags[slot] = tag

    def discard(self, name: str) -> None:
        """Removes the name, if it is there."""
        slot, tag = self._place(name)
        if self._tags[slot] == tag:
            self._tags[slot] = 0

    def _place(self, name: str) -> tuple[int, int]:
        """Returns the name's slot, and its tag, which is never 0: that is an empty slot's."""
        number = hash(name)
        return number & ((1 << self._slot_bits) - 1), (number >> self._slot_bits) & ((1 << TAG_BITS) - 1) or 1


@process_singleton
def kept_views() -> RecentKeys:
    """Returns the keys under which this process last saw a view cached; a wrong guess costs one round trip."""
    return RecentKeys()
