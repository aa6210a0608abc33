"""What an examination finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

#: Seconds that two clocks may differ before it is a warning, and before it is wrong: signed events and tokens are
#: refused when they are more than minutes, or 30 seconds, off.
CLOCK_WARNING_SECONDS = 2.0
CLOCK_WRONG_SECONDS = 20.0


class Level(StrEnum):
    """How a finding is to be taken; `wrong` fails the examination."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: of what, how it is, and what to change, "" where nothing is."""

    area: str
    level: Level
    text: str
    advice: str = ""


Examination = Callable[[], Iterator[Finding]]


def clock_finding(area: str, seconds_ahead: float) -> Finding:
    """Tells how far another clock is ahead of ours, in seconds; an ordinary answer says so to the second only."""
    off = abs(seconds_ahead)
    text = f"its clock is {off:.0f} s {'ahead of' if seconds_ahead > 0 else 'behind'} ours"
    if off > CLOCK_WRONG_SECONDS:
        return Finding(area, Level.WRONG, text, "Set both machines' clocks by NTP.")
    if off > CLOCK_WARNING_SECONDS:
        return Finding(area, Level.WARNING, text, "Set both machines' clocks by NTP.")
    return Finding(area, Level.OK, "its clock agrees with ours")
