"""How long this process was kept from running while it measured others: by the machine, or by threads of its own."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

STEP_SECONDS: Final = 0.002


@dataclass(slots=True)
class Pauses:
    """The longest so far; what was measured meanwhile may have taken so much less."""

    longest_seconds: float = 0.0


@contextmanager
def pauses() -> Iterator[Pauses]:
    """Wakes up all the time, and notes how late."""
    found, is_over = Pauses(), threading.Event()

    def look() -> None:
        began = time.monotonic()
        while not is_over.wait(STEP_SECONDS):
            now = time.monotonic()
            found.longest_seconds = max(found.longest_seconds, now - began - STEP_SECONDS)
            began = now

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        is_over.set()
        thread.join()
