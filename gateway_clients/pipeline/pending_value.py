"""Values that depend on calls of their request which may not have been sent yet.

    claim = gateway.call(gateway.claims.get_claim("clm-1"))
    shown = claim.then(to_claim)        # nothing is sent yet
    shown.result()                      # sends all calls of the request that were added, and waits

`gather` advances each of several values by one step before any is advanced again, so that the calls that the first
steps add are sent together.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

V = TypeVar("V")
W = TypeVar("W")


class PendingValue(Generic[V]):
    """A value that needs calls of its request: a call, a view, or what a function makes
    of them.
    """

    __slots__ = ()

    def advance(self) -> "V | PendingValue[V]":
        """Waits for the calls that were added so far: the value, or what it needs
        further calls for.

        Raises what the calls fail with, and what making the value raises.
        """
        raise NotImplementedError

    def result(self) -> V:
        """Waits for the value. Raises as `advance` does."""
        value: V | PendingValue[V] = self.advance()
        while isinstance(value, PendingValue):
            value = value.advance()
        return value

    def then(self, make: "Callable[[V], W | PendingValue[W]]") -> "PendingValue[W]":
        """The value that `make` returns, which is called once and may add calls and
        return a pending value itself.
        """

        def advance() -> "W | PendingValue[W]":
            value = self.advance()
            return value.then(make) if isinstance(value, PendingValue) else make(value)

        return Deferred(advance)


class Deferred(PendingValue[V]):
    """A value that a function makes once the calls that were added before have
    answered. It is run once.
    """

    __slots__ = ("_error", "_make", "_value")

    def __init__(self, make: "Callable[[], V | PendingValue[V]]") -> None:
        self._make: Callable[[], V | PendingValue[V]] | None = make
        self._value: Any = None
        self._error: Exception | None = None

    def advance(self) -> "V | PendingValue[V]":
        """Runs the function, if that was not done before."""
        make, self._make = self._make, None
        if make is not None:
            try:
                self._value = make()
            except Exception as error:  # noqa: BLE001 - it is raised again, each time somebody waits
                self._error = error
        if self._error is not None:
            raise self._error
        return cast("V | PendingValue[V]", self._value)


def gather(values: "Sequence[PendingValue[V]]") -> "PendingValue[list[V | Exception]]":
    """Advances several values side by side; each ends as its value or as the exception
    it failed with.
    """
    ends: list[Any] = list(values)

    def advance() -> "PendingValue[list[V | Exception]] | list[V | Exception]":
        for number, value in enumerate(ends):
            if isinstance(value, PendingValue):
                ends[number] = _advanced(value)
        return Deferred(advance) if any(isinstance(end, PendingValue) for end in ends) else ends

    return Deferred(advance)


def _advanced(value: PendingValue[Any]) -> Any:
    try:
        return value.advance()
    except Exception as error:  # noqa: BLE001 - one value's failure, whatever it is, is not another's
        return error
