"""How often the cache had what was asked for, by class of data, over fifteen minutes and in all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway_clients.conf import DataClass
from gateway_clients.console.measurements import Measurements, part
from gateway_clients.console.sparkline import Sparkline, sparkline
from gateway_clients.fleet.counters import Counts, total

#: Looks by what they came to.
OUTCOMES: Final = ("near", "hit", "stale", "coalesced", "miss")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRatios:
    """One class: looks of fifteen minutes, how many percent came to what, and the hits over time."""

    data_class: str
    looks: int
    percents: Sequence[float]
    spark: Sparkline

    @property
    def hit_percent(self) -> float:
        """The looks that found what they wanted, near or in Redis."""
        return self.percents[0] + self.percents[1]


def ratios(found: Measurements) -> list[ClassRatios]:
    """The classes that were looked for, the busiest first."""
    whole = total(found.fine)
    rows = [_ratios(str(kind), whole, found.fine) for kind in DataClass]
    return sorted((row for row in rows if row.looks), key=lambda row: -row.looks)


def _ratios(kind: str, whole: Counts, slices: Sequence[Counts]) -> ClassRatios:
    counts = [part(whole, "cache", kind, outcome) for outcome in OUTCOMES]
    looks = sum(counts)
    shares: list[float] = []
    for counted in slices[:-1]:
        asked = [part(counted, "cache", kind, outcome) for outcome in OUTCOMES]
        before = shares[-1] if shares else 0.0
        shares.append(100 * (asked[0] + asked[1]) / sum(asked) if sum(asked) else before)
    return ClassRatios(
        data_class=kind,
        looks=looks,
        percents=[100 * count / looks if looks else 0.0 for count in counts],
        spark=sparkline(shares, []),
    )
