"""Counts of all processes together, in slices of time: Redis adds them up, so they outlive a process that ends.

Names are `call|claims|calls`, `view|<route>|whole`, `uses|<route>|claims`, `hurt|<route>|claims`, `cache|claims|hit`.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis
from redis.client import Pipeline

from gateway_clients.conf import upstream_conf
from gateway_clients.instrumentation.hooks import CallRecord, Record
from gateway_clients.instrumentation.rates import ANSWERED, LONGEST, NOT_MADE
from gateway_clients.instrumentation.tally import tally

Counts = Mapping[str, int]

#: A count has no more; a longer one is none of ours.
MOST_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class Resolution:
    """A series of slices: its letter in Redis, seconds of a slice, how many are kept."""

    letter: str
    seconds: int
    slices: int


FINE: Final = Resolution("f", 15, 60)
COARSE: Final = Resolution("c", 300, 12)


class CounterStore:
    """Adds counts to the slice that it is now, and reads slices back. `now` is in seconds since the Unix epoch."""

    def __init__(self, prefix: str, *, now: Callable[[], float] = time.time) -> None:
        self._prefix = f"{prefix}:fleet:counts"
        self._now = now

    def add(self, pipeline: Pipeline, counts: Counts) -> None:
        """Adds the counts, as part of a pipeline."""
        for resolution in (FINE, COARSE):
            name = self._name(resolution, self._number(resolution))
            for field, by in counts.items():
                pipeline.hincrby(name, field, by)
            if counts:
                pipeline.expire(name, resolution.seconds * (resolution.slices + 2))

    def slices(self, redis: Redis, resolution: Resolution) -> list[dict[str, int]]:
        """The slices from the oldest on; the last one is under way."""
        last = self._number(resolution)
        pipeline = redis.pipeline(transaction=False)
        for number in range(last - resolution.slices + 1, last + 1):
            pipeline.hgetall(self._name(resolution, number))
        return [_counts(found) for found in pipeline.execute(raise_on_error=False)]

    @property
    def seconds_under_way(self) -> float:
        """Seconds of the fine slice that is under way."""
        return self._now() % FINE.seconds

    def _number(self, resolution: Resolution) -> int:
        return int(self._now() // resolution.seconds)

    def _name(self, resolution: Resolution, number: int) -> str:
        return f"{self._prefix}:{resolution.letter}:{number}"


def _counts(found: Any) -> dict[str, int]:
    if not isinstance(found, dict):
        return {}
    counted = {name: value for name, value in found.items() if value.isdigit() and len(value) <= MOST_DIGITS}
    return {name.decode(errors="replace"): int(value) for name, value in counted.items()}


def total(slices: Sequence[Counts]) -> dict[str, int]:
    """The sum of several slices."""
    summed: dict[str, int] = {}
    for each in slices:
        for name, count in each.items():
            summed[name] = summed.get(name, 0) + count
    return summed


def hear(record: Record) -> None:
    """The hook that counts calls: how many, how many failed or were slow, how many of each class of durations."""
    if not isinstance(record, CallRecord):
        return
    name, counts = f"call|{record.service}", tally()
    if record.outcome in NOT_MADE:
        counts.add(f"{name}|refused")
        return
    made = {f"{name}|calls": 1, f"{name}|d{bisect_left(LONGEST, record.seconds)}": 1}
    if record.outcome not in ANSWERED:
        made[f"{name}|errors"] = 1
    elif record.seconds >= upstream_conf(record.service).breaker_slow_seconds:
        made[f"{name}|slow"] = 1
    counts.add_all(made)
