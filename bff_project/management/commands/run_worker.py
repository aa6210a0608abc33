"""`manage.py run_worker`: does what the outbox says is due; several may run, here and elsewhere."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

from bff_project.processes.errors import StartError
from bff_project.processes.gateway import Say
from bff_project.processes.metrics_server import serve_metrics
from bff_project.processes.ports import HOSTS, LOOPBACK, PortWish, every_address, refuse_busy
from bff_project.processes.terminal import speaker
from bff_project.processes.worker import WorkerConf, run_worker
from gateway_clients.database import process_mode
from gateway_clients.fleet.pulse import pulse
from gateway_clients.instrumentation.metrics import metrics
from gateway_clients.instrumentation.sample_files import DIRECTORY, use_sample_files
from gateway_clients.instrumentation.worker_metrics import empty
from gateway_clients.invalidation.now_and_later import apply_pending
from gateway_clients.outbox.dispatcher import sweep


class Command(BaseCommand):
    """Refuses to start when a system check finds an error."""

    help = (
        "Settles submissions whose outcome is not known, sends notifications, drops cached views, removes what is old. "
        "With CELERY_BROKER_URL it takes nudges as well. SIGTERM ends it when what has begun is done."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Works until a signal asks to stop."""
        process_mode.serve()
        say = speaker(self.stdout)
        _serve_metrics(say)
        pulse().start()
        conf = WorkerConf(
            sweep=sweep,
            do_drops=apply_pending,
            chores=[import_string(name) for name in settings.WORKER_CHORES],
            has_broker=bool(settings.CELERY_BROKER_URL),
            alive_file=Path(settings.BASE_DIR) / ".run" / "worker" / "alive",
        )
        run_worker(conf, say)


def _serve_metrics(say: Say) -> None:
    """Serves what this process and Celery count; nobody has to wait for a worker because its port is taken."""
    port = settings.WORKER_METRICS_PORT
    if not (port and settings.ENABLE_METRICS):
        return
    directory = Path(settings.BASE_DIR) / ".run" / f"worker-{port}" / "metrics"
    host = HOSTS.get(settings.ENVIRONMENT) or every_address()
    try:
        refuse_busy([PortWish("WORKER_METRICS_PORT", port, host)])
        empty(directory)
    except (StartError, OSError) as error:
        say(f"Working without metrics: {error}")
        return
    os.environ[DIRECTORY] = str(directory)
    use_sample_files()
    metrics.cache_clear()
    serve_metrics(host, port, directory)
    say(f"Metrics on http://{LOOPBACK}:{port}/metrics")
