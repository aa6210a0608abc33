"""`manage.py audit`: is the trail whole, who saw a member, what a member may be told of that."""

import datetime
import getpass
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from gateway_clients.audit.disclosures import looks_at, write_account
from gateway_clients.audit.verification import Head, heads_in, verify

LINE: Final = "{at:%Y-%m-%d %H:%M:%S%z}  {role:8} {account_id:8} {outcome:12} {count:4} {action}  {sections}  {origins}"


class Command(BaseCommand):
    """Reads the audit trail; nothing can change it."""

    help = "Verifies the audit trail, and tells who saw a member's data."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One command each."""
        commands = parser.add_subparsers(dest="command", required=True)
        check = commands.add_parser("verify", help="Look for rows that were removed, changed, moved or cut off.")
        check.add_argument("--heads", type=Path, help="Log lines to compare with; - reads them from standard input.")
        who = commands.add_parser("who", help="Who looked at a member's data.")
        account = commands.add_parser("account", help="Write the account of disclosures of a member as CSV.")
        for each in (who, account):
            each.add_argument("member_id")
            each.add_argument("--since", type=_moment, help="A day or a time; UTC unless it says otherwise.")
            each.add_argument("--until", type=_moment, help="Before this day or time.")
        account.add_argument("file", type=Path, help="Must not be there yet.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Carries out the command. Raises CommandError when the trail is not whole."""
        run: Callable[..., None] = getattr(self, f"_{options['command']}")
        run(**options)

    def _verify(self, *, heads: Path | None, **_: Any) -> None:
        told = _heads(heads)
        report = verify(told)
        for finding in report.findings:
            self.stderr.write(str(finding))
        if report.findings:
            raise CommandError(f"The audit trail was changed: {len(report.findings)} findings.")
        compared = "" if heads is None else f", compared with {len(told)} heads of the log"
        self.stdout.write(f"The audit trail is whole: {report.rows} rows in {report.chains} chains{compared}.")

    def _who(
        self, *, member_id: str, since: datetime.datetime | None, until: datetime.datetime | None, **_: Any
    ) -> None:
        count = 0
        for entry in looks_at(member_id, since=since, until=until).iterator(chunk_size=2000):
            self.stdout.write(LINE.format_map(vars(entry)).rstrip())
            count += 1
        self.stdout.write(f"{count} rows.")

    def _account(
        self,
        *,
        member_id: str,
        file: Path,
        since: datetime.datetime | None,
        until: datetime.datetime | None,
        **_: Any,
    ) -> None:
        try:
            with file.open("x", newline="", encoding="utf-8") as to:
                count = write_account(member_id, to, by=f"command:{getpass.getuser()}", since=since, until=until)
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from None
        self.stdout.write(f"{count} rows in {file}.")


def _heads(path: Path | None) -> list[Head]:
    if path is None:
        return []
    if str(path) == "-":
        return list(heads_in(sys.stdin))
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            return list(heads_in(lines))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None


def _moment(text: str) -> datetime.datetime:
    """A day or a time. Raises ArgumentTypeError for any other text, and for a year that UTC has not: 0 or 10000."""
    try:
        found = parse_datetime(text) if len(text) > len("2026-01-01") else None
        if found is None and (day := parse_date(text)) is not None:
            found = datetime.datetime.combine(day, datetime.time())
        if found is not None:
            return found.replace(tzinfo=datetime.UTC) if timezone.is_naive(found) else found.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        pass
    raise ArgumentTypeError("a day or a time is wanted, such as 2026-03-01 or 2026-03-01T08:00+07:00")
