"""`manage.py create_account EMAIL`: an account with its roles."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from gateway_clients.edge.access import Role
from members.models import Account


class Command(BaseCommand):
    """Makes an account, or says what is wrong with it."""

    help = "Makes an account. Without --password it is asked for."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Roles may be given several times, each with its id."""
        parser.add_argument("email")
        parser.add_argument("--password")
        parser.add_argument("--name", default="")
        parser.add_argument("--role", action="append", choices=[str(role) for role in Role], default=[], dest="roles")
        parser.add_argument("--member-id")
        parser.add_argument("--provider-id")
        parser.add_argument("--staff", action="store_true", help="May use /admin/.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for what does not go together, naming the option."""
        roles: list[str] = options["roles"]
        for role, option in ((Role.MEMBER, "member_id"), (Role.PROVIDER, "provider_id")):
            flag = f"--{option.replace('_', '-')}"
            if role in roles and not options[option]:
                raise CommandError(f"--role {role} needs {flag}")
            if options[option] and role not in roles:
                raise CommandError(f"{flag} needs --role {role}")
        if not roles and not options["staff"]:
            raise CommandError("The account could do nothing: give it a --role or --staff")
        password = options["password"] if options["password"] is not None else getpass.getpass()
        if not password:
            raise CommandError("--password must not be empty")
        account = Account(
            email=options["email"],
            name=options["name"],
            member_id=options["member_id"],
            provider_id=options["provider_id"],
            is_admin=Role.ADMIN in roles,
            is_staff=options["staff"],
            is_superuser=options["staff"],
        )
        wrong = _wrong_with(account, password)
        if wrong:
            raise CommandError("; ".join(f"{field}: {' '.join(messages)}" for field, messages in wrong.items()))
        account.save()
        self.stdout.write(self.style.SUCCESS(f"Made {account.email} ({', '.join(sorted(account.roles)) or 'staff'})"))


def _wrong_with(account: Account, password: str) -> dict[str, list[str]]:
    """Returns the errors by field; sets the password if there are none."""
    wrong: dict[str, list[str]] = {}
    try:
        validate_password(password, account)
    except ValidationError as error:
        wrong["password"] = error.messages
    account.set_password(password)
    try:
        account.full_clean()
    except ValidationError as error:
        wrong |= error.message_dict
    return wrong
