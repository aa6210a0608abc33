"""`manage.py load_demo_accounts`: the accounts that `make run` prints."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from members import demo


class Command(BaseCommand):
    """Makes the demo accounts; again and again with the same result."""

    help = "Makes the demo accounts. Refused but with ENVIRONMENT=development."

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError in production."""
        if settings.ENVIRONMENT != "development":
            raise CommandError(f"Demo accounts have known passwords: they are not for {settings.ENVIRONMENT}.")
        demo.load()
        for account in demo.DEMO_ACCOUNTS:
            self.stdout.write(f"{account.email}  {account.password}  {account.note}")
