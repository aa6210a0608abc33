"""`manage.py doctor`: examines the real surroundings before a deployment, and says what to change."""

import json
import logging
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any, Final

import structlog
from django.core.management.base import BaseCommand, CommandError

from bff_project.doctor.broker_examination import examine_broker
from bff_project.doctor.database_examination import Fleet, examine_database
from bff_project.doctor.finding import Examination, Finding, Level
from bff_project.doctor.redis_examination import examine_redis
from bff_project.doctor.settings_examination import examine_settings
from bff_project.doctor.upstream_examination import examine_upstreams
from gateway_clients.database import process_mode
from gateway_clients.instrumentation import logs

SIGNS: Final = {Level.OK: "ok     ", Level.WARNING: "WARNING", Level.WRONG: "WRONG  "}


class Command(BaseCommand):
    """Exits with 1 when something is wrong. It changes nothing, and shows no member's data."""

    help = (
        "Examine the settings, Redis, the database, the broker and the upstreams as they are now, and say what to "
        "change. Exits with 1 when something is wrong; warnings do not count."
    )
    #: Its own examination runs them, and goes on.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Adds the size of the fleet, and what to try answers with."""
        parser.add_argument("--gateways", type=int, default=2, help="how many `manage.py serve` there are (2)")
        parser.add_argument("--workers", type=int, default=1, help="how many `manage.py run_worker` there are (1)")
        parser.add_argument("--member", metavar="ID", help="the member to try answers with; else the first of a search")
        parser.add_argument("--json", action="store_true", help="one JSON object for each finding, a line each")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Prints each finding as soon as it is there. Raises CommandError when something is wrong."""
        process_mode.serve()  # So that a database that is frozen is told of, and not waited for.
        fleet = Fleet(gateways=options["gateways"], workers=options["workers"])
        count = dict.fromkeys(Level, 0)
        # What fails is told as a finding; a log line of it as well would be no help.
        logging.disable(logging.CRITICAL)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        try:
            for finding in self._findings(fleet, options["member"]):
                count[finding.level] += 1
                self.stdout.write(json.dumps(asdict(finding)) if options["json"] else _line(finding))
        finally:
            logging.disable(logging.NOTSET)
            logs.configure()
        if count[Level.WRONG]:
            raise CommandError(f"{count[Level.WRONG]} wrong, {count[Level.WARNING]} warnings", returncode=1)
        if not options["json"]:
            self.stdout.write(f"Nothing is wrong; {count[Level.WARNING]} warnings.")

    def _findings(self, fleet: Fleet, member_id: str | None) -> Iterator[Finding]:
        examinations: tuple[Examination, ...] = (
            examine_settings,
            examine_redis,
            partial(examine_database, fleet),
            examine_broker,
            partial(examine_upstreams, member_id),
        )
        for examination in examinations:
            yield from examination()


def _line(finding: Finding) -> str:
    advice = f"\n        {' ':12} → {finding.advice}" if finding.advice else ""
    return f"{SIGNS[finding.level]} {finding.area:12} {finding.text}{advice}"
