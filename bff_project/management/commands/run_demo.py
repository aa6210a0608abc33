"""`manage.py run_demo`, called by `make run`: the gateway with all it needs, on this machine, with demo accounts."""

import base64
import os
from io import StringIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from bff_project.processes.banner import greeting
from bff_project.processes.demo import DemoPlan, run_demo
from bff_project.processes.embedded_redis import plan_redis
from bff_project.processes.errors import ChildDiedError, StartError
from bff_project.processes.ports import LOOPBACK, PortWish, loopback_port, refuse_busy
from bff_project.processes.terminal import speaker
from gateway_clients.conf import SERVICES

SECRET_BYTES: Final = 32


class Command(BaseCommand):
    """Refuses outside development: it loads accounts whose passwords everybody knows."""

    help = (
        "Migrates, loads the demo accounts, starts Redis (when none answers), the sandbox, the worker and the gateway."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Runs until a signal asks to stop; nothing is left behind."""
        if settings.ENVIRONMENT != "development":
            raise CommandError("run_demo loads accounts with known passwords: it needs ENVIRONMENT=development.")
        if not apps.is_installed("sandbox"):
            raise CommandError("run_demo starts the sandbox, which is not here: it needs a checkout, not the image.")
        try:
            self._run()
        except (StartError, ChildDiedError) as error:
            raise CommandError(str(error)) from error

    def _run(self) -> None:
        sandbox_ports = _sandbox_ports()
        refuse_busy([*_gateway_ports(), *sandbox_ports])
        run_dir = Path(settings.BASE_DIR) / ".run" / f"demo-{settings.PORT}"
        redis = plan_redis(settings.REDIS_URL, run_dir / "redis")
        say = speaker(self.stdout)

        say("Preparing the database and the demo accounts.")
        call_command("migrate", interactive=False, verbosity=0)
        call_command("load_demo_accounts", stdout=StringIO())

        plan = DemoPlan(
            manage_py=Path(settings.BASE_DIR) / "manage.py",
            run_dir=run_dir,
            redis=redis,
            sandbox_ports=sandbox_ports,
            gateway_port=settings.PORT,
            environment={"ENVIRONMENT": "development", "DRAIN_SECONDS": "0", **_events()},
        )
        run_demo(plan, say, greet=lambda: _greeting(plan))


def _events() -> dict[str, str]:
    """Returns the settings with which the sandbox sends events to this gateway; makes a secret unless one is set."""
    secret = ",".join(settings.EVENTS_WEBHOOK_SECRET) or base64.b64encode(os.urandom(SECRET_BYTES)).decode()
    url = settings.EVENTS_URL or f"http://{LOOPBACK}:{settings.PORT}/api/v1/events"
    return {"EVENTS_WEBHOOK_SECRET": secret, "EVENTS_URL": url}


def _gateway_ports() -> tuple[PortWish, ...]:
    metrics = (PortWish("METRICS_PORT", settings.METRICS_PORT),) if settings.ENABLE_METRICS else ()
    return (PortWish("PORT", settings.PORT), *metrics)


def _sandbox_ports() -> tuple[PortWish, ...]:
    names = (f"{service.upper()}_SERVICE_URL" for service in SERVICES)
    ports = ((name, loopback_port(getattr(settings, name))) for name in names)
    return tuple(PortWish(name, port) for name, port in ports if port is not None)


def _greeting(plan: DemoPlan) -> str:
    from members.demo import DEMO_ACCOUNTS

    parts = urlsplit(plan.redis.url)
    address = parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port}"
    return greeting(
        port=settings.PORT,
        metrics_port=settings.METRICS_PORT if settings.ENABLE_METRICS else None,
        sandbox=[str(wish.port) for wish in plan.sandbox_ports],
        redis=f"{address} ({'embedded' if plan.redis.program else 'was there already'})",
        logs=str(plan.run_dir.relative_to(settings.BASE_DIR)),
        accounts=DEMO_ACCOUNTS,
    )
