"""Saying something to a terminal that may be gone by then."""

from collections.abc import Callable
from contextlib import suppress

from django.core.management.base import OutputWrapper


def speaker(output: OutputWrapper) -> Callable[[str], None]:
    """A `say(line)` that never fails."""

    def say(line: str) -> None:
        with suppress(OSError, ValueError):
            output.write(line)
            output.flush()

    return say
