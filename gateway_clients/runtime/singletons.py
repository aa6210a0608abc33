"""Lazily created, thread-safe singletons of a process."""

import threading
from collections.abc import Callable
from functools import cache
from typing import Any, ParamSpec, Protocol, TypeVar, cast

A = ParamSpec("A")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class ProcessSingleton(Protocol[A, R_co]):
    """A function that is run once for each list of arguments, which are positional and hashable."""

    def __call__(self, *args: A.args, **kwargs: A.kwargs) -> R_co:
        """The instance for these arguments, created at the first call."""

    def instances(self) -> tuple[R_co, ...]:
        """All that was made so far."""

    def cache_clear(self) -> None:
        """Forgets all instances; the next calls create others."""


def process_singleton(make: Callable[A, R]) -> ProcessSingleton[A, R]:
    """Makes a function one that is run once; `functools.cache` alone runs it twice for two at once."""
    lock = threading.RLock()
    kept: dict[tuple[Any, ...], R] = {}

    def made_once(*args: Any) -> R:
        with lock:
            if args not in kept:
                kept[args] = cast(Any, make)(*args)
            return kept[args]

    made: Any = cache(made_once)
    forget = made.cache_clear

    def clear() -> None:
        with lock:
            kept.clear()
            forget()

    made.__doc__ = make.__doc__
    made.instances = lambda: tuple(kept.values())
    made.cache_clear = clear
    return cast(ProcessSingleton[A, R], made)
