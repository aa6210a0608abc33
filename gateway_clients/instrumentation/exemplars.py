"""Exemplars: of each bucket of a histogram of durations the last traced request or call that fell into it.

prometheus-client has none over several processes. Each process writes its own into a file beside its samples, and
whoever shows the samples adds them. Nothing is written where no traces are sent.
"""

import os
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

PATTERN: Final = "exemplars_*.json"


class Noted(msgspec.Struct, frozen=True, array_like=True):
    """An exemplar of a bucket: `labels` are the series', with `le`; `at` is in seconds since the Unix epoch."""

    metric: str
    labels: dict[str, str]
    trace_id: str
    seconds: float
    at: float

    @property
    def key(self) -> tuple[str, frozenset[tuple[str, str]]]:
        """The bucket that it is of."""
        return self.metric, frozenset(self.labels.items())


_DECODER: Final = msgspec.json.Decoder(list[Noted])


class ExemplarBook:
    """Those of this process; `write` puts them into its file, where there are new ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted: dict[tuple[str, frozenset[tuple[str, str]]], Noted] = {}
        self._is_new = False

    def note(self, metric: str, labels: dict[str, str], seconds: float, bounds: Sequence[float], trace_id: str) -> None:
        """Notes a duration of a traced request, in place of the earlier one of its bucket."""
        place = bisect_left(bounds, seconds)
        bound = floatToGoString(bounds[place] if place < len(bounds) else float("inf"))
        noted = Noted(metric, {**labels, "le": bound}, trace_id, seconds, time.time())
        with self._lock:
            self._noted[noted.key] = noted
            self._is_new = True

    def write(self, directory: Path) -> None:
        """Writes the file anew; on a disk that takes nothing the earlier one stays."""
        with self._lock:
            if not self._is_new:
                return
            self._is_new, noted = False, list(self._noted.values())
        path = directory / f"exemplars_{os.getpid()}.json"
        with suppress(OSError):
            path.with_suffix(".new").write_bytes(msgspec.json.encode(noted))
            path.with_suffix(".new").replace(path)


def with_exemplars(metrics: Iterable[Metric], directory: Path) -> Iterator[Metric]:
    """The same metrics, the buckets of their histograms with the latest exemplar that a process has noted."""
    latest: dict[tuple[str, frozenset[tuple[str, str]]], Noted] = {}
    for noted in _read(directory):
        if noted.key not in latest or latest[noted.key].at < noted.at:
            latest[noted.key] = noted
    for metric in metrics:
        if metric.type == "histogram" and latest:
            for number, sample in enumerate(metric.samples):
                found = latest.get((metric.name, frozenset(sample.labels.items())))
                if found is not None and sample.name.endswith("_bucket"):
                    exemplar = Exemplar({"trace_id": found.trace_id}, found.seconds, found.at)
                    metric.samples[number] = sample._replace(exemplar=exemplar)
        yield metric


def _read(directory: Path) -> Iterator[Noted]:
    for path in directory.glob(PATTERN):
        with suppress(OSError, msgspec.MsgspecError):
            yield from _DECODER.decode(path.read_bytes())


_BOOK: Final = ExemplarBook()


def exemplars() -> ExemplarBook:
    """That of this process."""
    return _BOOK
