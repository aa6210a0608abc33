"""The settings: Django's system checks, in production those for a deployment too."""

from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.core.checks import ERROR, run_checks

from bff_project.doctor.finding import Finding, Level

AREA: Final = "settings"


def examine_settings() -> Iterator[Finding]:
    """Yields every message of the system checks; what a start in production refuses is wrong."""
    messages = run_checks(include_deployment_checks=settings.ENVIRONMENT == "production")
    for message in messages:
        level = Level.WRONG if message.level >= ERROR else Level.WARNING
        yield Finding(AREA, level, f"{message.id}: {message.msg}", message.hint or "")
    if not messages:
        yield Finding(AREA, Level.OK, "all system checks pass")
