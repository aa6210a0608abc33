"""What commands of the console have in common: who gives an order from the shell, and how answers are written."""

from typing import Any

import msgspec
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Model

from gateway_clients.instrumentation.logs import lines_on_stderr


class AnsweringCommand(BaseCommand):
    """A command whose answer is read by programs: lines of the log do not stand in it."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Runs the command."""
        with lines_on_stderr():
            return super().execute(*args, **options)


def staff_of(email: str, permission: str) -> Any:
    """The account of staff with this e-mail. Raises CommandError for one that may not do this."""
    account = get_user_model()._default_manager.filter(email=email.strip().lower(), is_active=True).first()
    if account is None or not getattr(account, "is_staff", False) or not account.has_perm(permission):
        raise CommandError(f"--by must name staff who have {permission}.")
    return account


def record(account: Any, model: type[Model], *, flag: int, about: str, text: str) -> None:
    """Writes down in Django admin's log what was done from the shell."""
    LogEntry.objects.create(
        user_id=str(account.pk),
        content_type=ContentType.objects.get_for_model(model),
        object_id=about,
        object_repr=about[:200],
        action_flag=flag,
        change_message=text,
    )


def as_json(value: object) -> str:
    """The value as JSON."""
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode()
