"""Prometheus metrics of all worker processes, summed, on a port of their own."""

from pathlib import Path
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server

from gateway_clients.instrumentation.worker_metrics import WorkerMetrics


def serve_metrics(host: str, port: int, directory: Path) -> WSGIServer:
    """Answers `/metrics` from a thread of its own, until the process ends."""
    registry = CollectorRegistry()
    registry.register(WorkerMetrics(directory))
    server, _thread = start_http_server(port, addr=host, registry=registry)
    return server
