"""Old values that readers were shown, and whether they may be.

The overview allows two exceptions, for processes that Redis did not answer in time, which happens on a busy machine.
An old value is taken for one of them only if the logs say so of the very change, or of the reader's gateway just then.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tests.support.gateway import RunningGateway

#: For so long after a change others may show the old value, where Redis did not answer one of the processes.
CUT_OFF_SECONDS: Final = 1.0
#: What a gateway's log is searched for around an old value.
TROUBLE: Final = ("cache.", "call_failed", "error")
TROUBLE_AROUND: Final = timedelta(seconds=1.5)


@dataclass(frozen=True, slots=True)
class Changed:
    """A new value was acknowledged, to the request with this id, at this moment of the monotonic clock."""

    request_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Old:
    """A reader was shown an old value: `missed` is the change that it lacks, acknowledged `seconds` before it began."""

    what: str
    gateway: RunningGateway
    request_id: str
    missed: Changed
    seconds: float
    began: datetime
    ended: datetime


class Logs:
    """What the gateways have logged."""

    def __init__(self, gateways: Sequence[RunningGateway]) -> None:
        self._lines = {gateway.port: tuple(_lines_of(gateway)) for gateway in gateways}

    def is_allowed(self, old: Old) -> bool:
        """Whether the overview allows it: Redis did not answer who took the change, or who was read from, in time."""
        return old.seconds < CUT_OFF_SECONDS and (self._was_kept(old.missed) or self._was_cut_off(old))

    def _was_kept(self, change: Changed) -> bool:
        """Whether its drop was left for later."""
        return any(
            line["event"] == "cache.invalidation_kept" and line.get("request_id") == change.request_id
            for lines in self._lines.values()
            for line in lines
        )

    def _was_cut_off(self, old: Old) -> bool:
        """Whether one of the workers of its gateway was without Redis at some moment of the read."""
        lines = self._lines[old.gateway.port]
        downs = sum(line["event"] == "cache.down" and line["time"] <= old.ended for line in lines)
        ups = sum(line["event"] == "cache.up" and line["time"] < old.began for line in lines)
        return downs > ups

    def around(self, old: Old) -> list[str]:
        """The lines of both requests, and of any trouble about that time."""
        ids = (old.request_id, old.missed.request_id)
        earliest, latest = old.began - TROUBLE_AROUND, old.ended + TROUBLE_AROUND
        return [
            f"{port}: {line}"
            for port, lines in self._lines.items()
            for line in lines
            if line.get("request_id") in ids
            or (earliest < line["time"] < latest and str(line["event"]).startswith(TROUBLE))
        ]


def _lines_of(gateway: RunningGateway) -> Iterator[dict[str, Any]]:
    for text in gateway.output.splitlines():
        if text.startswith('{"time":'):
            line = json.loads(text)
            yield {**line, "time": datetime.fromisoformat(line["time"])}
