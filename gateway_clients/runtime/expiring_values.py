"""Values that each have an end, of a bounded number, without a sweep that would have to look at all of them."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

V = TypeVar("V")

#: With each new value so many of the others are looked at, in turn. With two, a stream of new ones leaves no more of
#: those that are over than there are others.
LOOKS: Final = 2


class ExpiringValues(Generic[V]):
    """Values by key. Not safe for threads by itself. `clock` in seconds.

    Of more than `most` the one goes that was looked at longest ago; until its end one that `is_needed` stays.
    """

    def __init__(self, most: int, clock: Callable[[], float], *, is_needed: Callable[[V], bool] | None = None) -> None:
        self._most = most
        self._clock = clock
        self._is_needed = is_needed
        self._kept: OrderedDict[str, tuple[V, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> V | None:
        """Returns the value, unless its end has come."""
        kept = self._kept.get(key)
        return None if kept is None or kept[1] <= self._clock() else kept[0]

    def put(self, key: str, value: V, ends_at: float) -> None:
        """Stores a value until its end."""
        if key not in self._kept:
            self._make_room()
        self._kept[key] = value, ends_at

    def clear(self) -> None:
        """Forgets all values."""
        self._kept.clear()

    def _make_room(self) -> None:
        now = self._clock()
        for _ in range(min(LOOKS, len(self._kept))):
            key = next(iter(self._kept))
            value, ends_at = self._kept[key]
            is_needed = self._is_needed is not None and self._is_needed(value)
            if ends_at <= now or (len(self._kept) >= self._most and not is_needed):
                del self._kept[key]
            else:
                self._kept.move_to_end(key)
