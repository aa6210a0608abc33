"""`manage.py serve`: the gateway alone, as in production, everything from the environment."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS
from django.utils.module_loading import import_string

from bff_project.processes.errors import ChildDiedError, StartError
from bff_project.processes.gateway import GatewayConf, serve
from bff_project.processes.ports import HOSTS, every_address
from bff_project.processes.terminal import speaker
from bff_project.start_checks import refuse_bad_settings
from gateway_clients.database import process_mode


class Command(BaseCommand):
    """Refuses to start when a system check finds an error."""

    help = "Serves the gateway on PORT and its metrics on METRICS_PORT. SIGTERM drains it, then ends it with code 0."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """None of its own: everything comes from the environment."""

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Serves until a signal asks to stop."""
        process_mode.serve()
        refuse_bad_settings(databases=[DEFAULT_DB_ALIAS])
        try:
            serve(_conf(), speaker(self.stdout))
        except (StartError, ChildDiedError) as error:
            raise CommandError(str(error)) from error


def _conf() -> GatewayConf:
    run_dir = Path(settings.BASE_DIR) / ".run" / f"gateway-{settings.PORT}"
    return GatewayConf(
        host=HOSTS.get(settings.ENVIRONMENT) or every_address(),
        port=settings.PORT,
        metrics_port=settings.METRICS_PORT if settings.ENABLE_METRICS else None,
        workers=settings.WORKERS,
        threads=settings.THREADS,
        drain_seconds=settings.DRAIN_SECONDS,
        finish_seconds=max(settings.SUBMIT_BUDGET_SECONDS, settings.STREAM_BUDGET_SECONDS) + 1,
        run_dir=run_dir,
        collectors=tuple(import_string(name)() for name in settings.METRICS_COLLECTORS),
        metrics_dir=Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR") or run_dir / "metrics"),
    )
