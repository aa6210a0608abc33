"""`manage.py serve_metrics`: the metrics of a gateway that another HTTP server serves, such as gunicorn."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from bff_project.processes.errors import StartError
from bff_project.processes.metrics_server import serve_metrics
from bff_project.processes.ports import HOSTS, LOOPBACK, PortWish, every_address, refuse_busy
from bff_project.processes.signals import StopRequest
from bff_project.processes.terminal import speaker
from gateway_clients.database import process_mode
from gateway_clients.instrumentation.sample_files import DIRECTORY

TICK_SECONDS = 0.5


class Command(BaseCommand):
    """Refuses to start without the folder in which the server's processes count."""

    help = (
        "Serves on METRICS_PORT what the processes of gunicorn or uWSGI count in PROMETHEUS_MULTIPROC_DIR, which must "
        "be set for them too. `manage.py serve` does it by itself."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Serves until a signal asks to stop. Raises CommandError."""
        directory = os.environ.get(DIRECTORY)
        if not directory:
            raise CommandError(f"{DIRECTORY} must be set to the folder that the server's processes have there.")
        process_mode.serve()
        host = HOSTS.get(settings.ENVIRONMENT) or every_address()
        collectors = [import_string(name)() for name in settings.METRICS_COLLECTORS]
        with StopRequest() as stop:
            try:
                refuse_busy([PortWish("METRICS_PORT", settings.METRICS_PORT, host)])
            except StartError as error:
                raise CommandError(str(error)) from error
            Path(directory).mkdir(parents=True, exist_ok=True)
            serve_metrics(host, settings.METRICS_PORT, Path(directory), collectors)
            speaker(self.stdout)(f"Metrics on http://{LOOPBACK}:{settings.METRICS_PORT}/metrics")
            while not stop.wait(TICK_SECONDS):
                pass
