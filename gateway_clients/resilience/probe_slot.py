"""The one probe that a breaker lets through at a time while it is not closed."""

from gateway_clients.resilience.permit import Permit


class ProbeSlot:
    """The probe under way, and the time before which no other begins, by the breaker's clock. Its owner locks."""

    __slots__ = ("_probe", "_taken_until")

    def __init__(self) -> None:
        self._probe: Permit | None = None
        self._taken_until = 0.0

    def is_taken(self, now: float) -> bool:
        """Whether a probe is under way, or the next one has to wait."""
        return now < self._taken_until

    def take(self, probe: Permit, *, until: float) -> None:
        """Gives the slot to a probe, which is no longer waited for after `until`."""
        self._probe, self._taken_until = probe, until

    def leave(self, probe: Permit, *, next_at: float) -> bool:
        """Makes room for the next probe; False: this was none, or one whose time was over, and another is at it."""
        if self._probe is not probe:
            return False
        self._probe, self._taken_until = None, next_at
        return True

    def clear(self) -> None:
        """Lets the next probe through at once; one that is under way may still leave."""
        self._taken_until = 0.0
