"""`manage.py createsuperuser`: Django's, but that `--noinput` takes no password that a prompt would warn of."""

import os
from typing import Any, Final

from django.contrib.auth.management.commands.createsuperuser import Command as DjangoCommand
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from members.models import Account

PASSWORD: Final = "DJANGO_SUPERUSER_PASSWORD"  # noqa: S105 - where Django reads it from


class Command(DjangoCommand):
    """Makes a superuser."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        """Raises CommandError for a weak password in the environment."""
        password = os.environ.get(PASSWORD)
        if not options["interactive"] and password is not None:
            try:
                validate_password(password, Account(email=options.get("email") or ""))
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from None
        return super().handle(*args, **options)
