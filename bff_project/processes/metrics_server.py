"""Prometheus metrics of all worker processes, summed, on a port of their own."""

from collections.abc import Iterable
from pathlib import Path
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.registry import Collector

from gateway_clients.instrumentation.worker_metrics import WorkerMetrics


def serve_metrics(host: str, port: int, directory: Path, collectors: Iterable[Collector] = ()) -> WSGIServer:
    """Answers `/metrics` from a thread of its own, until the process ends, with what the collectors tell besides."""
    registry = CollectorRegistry()
    registry.register(WorkerMetrics(directory))
    for collector in collectors:
        registry.register(collector)
    server, _thread = start_http_server(port, addr=host, registry=registry)
    return server
