"""The system checks that hold wherever the application is served from."""

from collections.abc import Sequence

from django.conf import settings
from django.core.management.base import BaseCommand


def refuse_bad_settings(*, databases: Sequence[str] = ()) -> None:
    """Runs every system check, those for a deployment too in production, and those that ask these databases.

    Raises SystemCheckError when one of them finds an error. Warnings are printed.
    """
    BaseCommand().check(include_deployment_checks=settings.ENVIRONMENT != "development", databases=databases)
