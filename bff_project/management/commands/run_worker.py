"""`manage.py run_worker`: does what the outbox says is due; several may run, here and elsewhere."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

from bff_project.processes.terminal import speaker
from bff_project.processes.worker import WorkerConf, run_worker
from gateway_clients.database import serving
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
        serving.serve()
        conf = WorkerConf(
            sweep=sweep,
            do_drops=apply_pending,
            chores=[import_string(name) for name in settings.WORKER_CHORES],
            has_broker=bool(settings.CELERY_BROKER_URL),
        )
        run_worker(conf, speaker(self.stdout))
