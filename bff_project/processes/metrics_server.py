"""Prometheus metrics of all worker processes, summed, on a port of their own."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

PROCESSES: Final = Path("/proc")


class WorkerMetrics:
    """Collects what the workers wrote into `directory`; gauges of workers that are gone are dropped first."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._collector = MultiProcessCollector(None, path=str(directory))

    def collect(self) -> Iterable[Metric]:
        """The metrics, at the moment they are asked for."""
        if PROCESSES.is_dir():
            for pid in {path.stem.rpartition("_")[2] for path in self._directory.glob("gauge_live*.db")}:
                if not (PROCESSES / pid).exists():
                    mark_process_dead(int(pid), str(self._directory))
        metrics: Iterable[Metric] = self._collector.collect()
        return metrics


def prepare_directory(directory: Path) -> None:
    """Makes the directory, without the numbers an earlier run left in it."""
    directory.mkdir(parents=True, exist_ok=True)
    for numbers in directory.glob("*.db"):
        numbers.unlink()


def serve_metrics(host: str, port: int, directory: Path) -> WSGIServer:
    """Answers `/metrics` from a thread of its own, until the process ends."""
    registry = CollectorRegistry()
    registry.register(WorkerMetrics(directory))
    server, _thread = start_http_server(port, addr=host, registry=registry)
    return server
