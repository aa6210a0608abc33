"""What a process has one of: made when first asked for, by one thread, also when many ask at the same time."""

import threading
from collections.abc import Callable
from typing import Any, Final, Generic, ParamSpec, TypeVar

A = ParamSpec("A")
R = TypeVar("R")
_NOTHING: Final = object()


class Once(Generic[A, R]):
    """A function that is run once for each list of arguments; `functools.cache` runs it twice for two at once."""

    def __init__(self, make: Callable[A, R]) -> None:
        self._make = make
        self._lock = threading.RLock()
        self._made: dict[tuple[Any, ...], R] = {}
        self.__doc__ = make.__doc__

    def __call__(self, *args: A.args, **kwargs: A.kwargs) -> R:
        """What was made for these arguments, which are positional and hashable."""
        made: Any = self._made.get(args, _NOTHING)
        return self._made_now(*args, **kwargs) if made is _NOTHING else made

    def _made_now(self, *args: A.args, **kwargs: A.kwargs) -> R:
        with self._lock:
            if args not in self._made:
                self._made[args] = self._make(*args, **kwargs)
            return self._made[args]

    @property
    def made(self) -> tuple[R, ...]:
        """All that was made so far."""
        return tuple(self._made.values())

    def cache_clear(self) -> None:
        """Makes all anew the next time it is asked for."""
        with self._lock:
            self._made = {}


def once(make: Callable[A, R]) -> Once[A, R]:
    """Makes a function one that is run once."""
    return Once(make)
