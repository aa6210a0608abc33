"""`manage.py enrol_second_factor EMAIL`: sets up a second factor for an account that cannot sign in without one."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from members import second_factor
from members.errors import SecondFactorConflictError
from members.models import Account, SecondFactor


class Command(BaseCommand):
    """The operator hands the secret over; the account's password is needed with its codes all the same."""

    help = "Sets up a second factor at once, and prints the secret and the address that a QR code shows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Adds the account, and what to do with a factor that it has."""
        parser.add_argument("email")
        parser.add_argument("--replace", action="store_true", help="in place of the one that the account has")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raises CommandError for an account that is not there or has a second factor."""
        account = Account.objects.filter(email=Account.objects.normalize_email(options["email"])).first()
        if account is None:
            raise CommandError("There is no such account.")
        if options["replace"]:
            SecondFactor.objects.filter(account=account).delete()
        try:
            enrolment = second_factor.enrol(account)
        except SecondFactorConflictError as error:
            raise CommandError(f"{error.detail} --replace does.") from None
        SecondFactor.objects.filter(account=account).update(confirmed_at=timezone.now())
        self.stdout.write(f"{enrolment.secret}\n{enrolment.address}")
