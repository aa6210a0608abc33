"""Waits until connections are ready, by poll(2)."""

import math
import select
from collections.abc import Sequence


def wait_readable(watched: Sequence[tuple[int, int]], seconds: float) -> list[int]:
    """Returns the ready descriptors among pairs of a descriptor and poll's event mask.

    Waits for at most `seconds`, rounded up to a whole millisecond; other threads run meanwhile.
    """
    poll = select.poll()
    for descriptor, events in watched:
        poll.register(descriptor, events)
    return [descriptor for descriptor, _ in poll.poll(math.ceil(seconds * 1000))]
