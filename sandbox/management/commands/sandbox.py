"""`manage.py sandbox`: the services of the contracts, in one process, where the settings say they are."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from gateway_clients.conf import SERVICES
from sandbox.events import teller
from sandbox.latency import DEMO_LATENCY, Latency
from sandbox.places import places_in_a_row, places_of_settings
from sandbox.running import SEED, run_until_signal
from sandbox.server import PortInUseError, SandboxServer


class Command(BaseCommand):
    """Needs neither the database nor Redis."""

    help = (
        "Run the sandbox: stand-ins for the upstream services whose *_SERVICE_URL is on this machine. "
        "The same seed and day give the same data. Ends at SIGTERM or Ctrl-C."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-port", type=int, help="all of them, on the ports after this one")
        parser.add_argument("--host", default="127.0.0.1", help="where to listen with --base-port (%(default)s)")
        parser.add_argument(
            "--latency", type=_latency, default=DEMO_LATENCY, help="ms, such as 20-120 (the default), 50, 0"
        )
        parser.add_argument("--seed", type=int, default=SEED, help="what the data is made from (%(default)s)")
        parser.add_argument(
            "--events-url",
            default=settings.EVENTS_URL,
            help="where to tell the gateway of changes, signed with EVENTS_WEBHOOK_SECRET (default: EVENTS_URL)",
        )
        parser.add_argument("--today", type=date.fromisoformat, help="the day the data ends on (default: this day)")

    def handle(self, *_: Any, **options: Any) -> None:
        base_port = options["base_port"]
        places = places_of_settings() if base_port is None else places_in_a_row(options["host"], base_port)
        if not places:
            self.stdout.write("No *_SERVICE_URL is on this machine: there is nothing to start.")
            return

        def say_ready(server: SandboxServer) -> None:
            ports = ", ".join(f"{service} {post.port}" for service, post in server.posts.items())
            self.stdout.write(f"Sandbox ready, {len(places)} of {len(SERVICES)} services: {ports}")
            self.stdout.flush()

        try:
            run_until_signal(
                places,
                latency=options["latency"],
                seed=options["seed"],
                today=options["today"],
                teller=teller(options["events_url"], settings.EVENTS_WEBHOOK_SECRET),
                on_ready=say_ready,
            )
        except PortInUseError as error:
            raise CommandError(str(error)) from error


def _latency(text: str) -> Latency:
    try:
        return Latency.parse(text)
    except ValueError as error:
        raise ArgumentTypeError("milliseconds, such as 20-120, 50 or 0") from error
