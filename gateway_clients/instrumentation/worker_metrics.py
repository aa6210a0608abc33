"""The samples of all processes that share a directory, added up; each file is looked at by itself."""

import re
import threading
from collections.abc import Iterable, Set
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from gateway_clients.instrumentation.exemplars import PATTERN, with_exemplars
from gateway_clients.instrumentation.sample_files import file_of, read_samples

PROCESSES: Final = Path("/proc")
#: The file that holds, of one kind of metrics, what processes counted that are gone.
OF_THE_GONE: Final = "gone"
NAME: Final = re.compile(r"(?P<kind>counter|histogram|summary|gauge_[a-z]+)_(?P<owner>\d+|gone)(\.own)?\.db")
EXEMPLARS_NAME: Final = re.compile(r"exemplars_(?P<owner>\d+)\.(json|new)")
log = structlog.get_logger(__name__)


class WorkerMetrics:
    """Collects what the workers wrote into `directory`. A file that cannot be read costs its samples only.

    What processes counted that are gone is kept in one file of each kind, so that the directory does not grow with
    every worker that is replaced; their live gauges and their exemplars are dropped.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._damaged: frozenset[str] = frozenset()

    def collect(self) -> Iterable[Metric]:
        """The metrics, at the moment they are asked for."""
        with self._lock:
            if PROCESSES.is_dir():
                self._fold_the_gone()
            files = self._files()
            readable = [path for path in files if _is_readable(path)]
            self._say_damaged({path.name for path in files} - {path.name for path in readable})
            return list(with_exemplars(_merged(readable), self._directory))

    def _files(self) -> list[Path]:
        try:
            found = sorted(self._directory.glob("*.db"))
            return [path for path in found if NAME.fullmatch(path.name) and path.stat().st_size > 0]
        except OSError:
            return []

    def _say_damaged(self, names: Set[str]) -> None:
        if news := names - self._damaged:
            log.warning("metrics.damaged", names=sorted(news))
        self._damaged = frozenset(names)

    def _fold_the_gone(self) -> None:
        for path in self._files():
            name = NAME.fullmatch(path.name)
            if name is None or name["owner"] == OF_THE_GONE or (PROCESSES / name["owner"]).exists():
                continue
            # On a disk that takes nothing the file stays, and is read as it is.
            with suppress(OSError):
                if name["kind"].startswith("gauge_live"):
                    path.unlink(missing_ok=True)
                elif not name["kind"].startswith("gauge_"):
                    self._fold(path, self._directory / f"{name['kind']}_{OF_THE_GONE}.db")
        for path in self._directory.glob("exemplars_*"):
            owner = EXEMPLARS_NAME.fullmatch(path.name)
            if owner is not None and not (PROCESSES / owner["owner"]).exists():
                with suppress(OSError):
                    path.unlink(missing_ok=True)

    def _fold(self, path: Path, gone: Path) -> None:
        """Adds a file's samples to those of the gone, then removes it; one that cannot be read is removed as well."""
        if _is_readable(path):
            totals = _values(gone) if gone.exists() and _is_readable(gone) else {}
            for key, value in _values(path).items():
                totals[key] = totals.get(key, 0.0) + value
            new = gone.with_suffix(".new")
            try:
                new.write_bytes(file_of(totals))
                new.replace(gone)
            except OSError:
                new.unlink(missing_ok=True)
                raise
        else:
            self._say_damaged(self._damaged | {path.name})
        path.unlink(missing_ok=True)


class _Shown:
    """Metrics as a registry that can be shown."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _values(path: Path) -> dict[str, float]:
    return {key: value for key, (value, _) in read_samples(path.read_bytes()).items()}


def _merged(paths: Iterable[Path]) -> Iterable[Metric]:
    metrics: Iterable[Metric] = MultiProcessCollector.merge([str(path) for path in paths], accumulate=True)
    return metrics


def _is_readable(path: Path) -> bool:
    """Whether the file's samples can be read and shown; prometheus-client raises whatever it stumbles over."""
    try:
        read_samples(path.read_bytes())
        generate_latest(_Shown(_merged([path])))
    except Exception:  # noqa: BLE001  whatever it is, the file is damaged
        return False
    return True


def exposition_of(directory: Path) -> bytes:
    """The metrics of all processes in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(WorkerMetrics(directory))
    return generate_latest(registry)


def empty(directory: Path) -> None:
    """Makes the directory, without the samples an earlier run left in it. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    for samples in (*directory.glob("*.db"), *directory.glob("*.new"), *directory.glob(PATTERN)):
        samples.unlink()
