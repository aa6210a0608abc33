"""`manage.py load_demo_accounts`: the accounts that `make run` prints."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from members import demo


class Command(BaseCommand):
    """Makes the demo accounts; again and again with the same result."""

    help = "Makes the demo accounts. Refused with ENVIRONMENT=production."

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError in production."""
        if settings.ENVIRONMENT == "production":
            raise CommandError("Demo accounts have known passwords: they are not for ENVIRONMENT=production.")
        demo.load()
        for account in demo.DEMO_ACCOUNTS:
            self.stdout.write(f"{account.email}  {account.password}  {account.note}")
