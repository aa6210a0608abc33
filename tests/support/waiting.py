"""Waiting in tests: for a condition, with a bound."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")
POLL_SECONDS: Final = 0.02


def wait_until(condition: Callable[[], T], seconds: float = 5.0) -> T:
    """The first true value of `condition`. Fails the test when there is none within so many seconds."""
    give_up_at = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > give_up_at:
            raise AssertionError(f"{getattr(condition, '__name__', condition)} did not come true within {seconds} s")
        time.sleep(POLL_SECONDS)
    return value
