"""Whether this process serves portals or does their work: then every wait on the database has a limit."""

from dataclasses import dataclass
from typing import Final


@dataclass(slots=True)
class _Process:
    is_serving: bool = False


_PROCESS: Final = _Process()


def serve() -> None:
    """From now on waits of this process are bounded, and its connections come from a pool."""
    _PROCESS.is_serving = True


def is_serving() -> bool:
    """Whether `serve` was called."""
    return _PROCESS.is_serving


def stop_serving() -> None:
    """As before `serve`; for tests."""
    _PROCESS.is_serving = False
