"""A line of fifteen minutes, as the points of an SVG polyline and the bars beneath it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 180.0
HEIGHT: Final = 32.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparkline:
    """`points` of the line, `bars` of what went wrong (x, y, height), and the highest value."""

    points: str
    bars: Sequence[tuple[str, str, str]]
    bar_width: str
    highest: float


def sparkline(values: Sequence[float], bad: Sequence[float]) -> Sparkline:
    """A line of values, with bars of those among them that are bad, on one scale."""
    highest = max([*values, 0.0])
    scale = (HEIGHT - 2) / highest if highest else 0.0
    step = WIDTH / max(1, len(values) - 1)
    points = " ".join(f"{number * step:.1f},{HEIGHT - 1 - value * scale:.1f}" for number, value in enumerate(values))
    width = WIDTH / max(1, len(values))
    bars = [
        (f"{number * width:.1f}", f"{HEIGHT - value * scale:.1f}", f"{max(1.5, value * scale):.1f}")
        for number, value in enumerate(bad)
        if value
    ]
    return Sparkline(points=points, bars=bars, bar_width=f"{width:.1f}", highest=highest)
