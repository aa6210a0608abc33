"""The mode of this process: one that serves portals, or does their work, limits every wait on the database."""

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
    """True once `serve` was called."""
    return _PROCESS.is_serving


def stop_serving() -> None:
    """As before `serve`; for tests."""
    _PROCESS.is_serving = False
