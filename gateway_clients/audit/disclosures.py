"""Answers from the audit trail: who saw a member's data, and the account of disclosures that a member may ask for."""

import csv
import datetime
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

from django.db.models import QuerySet

from gateway_clients.audit.staff import note_staff_look
from gateway_clients.models import AuditEntry

#: What a file of entries has, in this order.
COLUMNS: Final = (
    "at", "account_id", "role", "member_id", "action", "sections", "origins", "outcome", "count", "request_id",
    "reason",
)  # fmt: skip
BATCH: Final = 2000


class Writable(Protocol):
    """Where a file is written to."""

    def write(self, text: str, /) -> Any: ...


def looks_at(
    member_id: str, *, since: datetime.datetime | None = None, until: datetime.datetime | None = None
) -> QuerySet[AuditEntry]:
    """All looks at a member's data, and tries, from `since` until before `until`, the oldest first."""
    found = AuditEntry.objects.filter(member_id=member_id)
    if since is not None:
        found = found.filter(at__gte=since)
    if until is not None:
        found = found.filter(at__lt=until)
    return found.order_by("at", "pk")


def write_account(
    member_id: str,
    to: Writable,
    *,
    by: str,
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
) -> int:
    """Writes the account of disclosures of a member as CSV; how many rows.

    That it was made is an audit row itself, which is written before the first line. Raises AuditUnavailableError.
    """
    note_staff_look("audit.account", account_id=by, member_id=member_id)
    count = -1
    for line in csv_lines(_batches(looks_at(member_id, since=since, until=until))):
        to.write(line)
        count += 1
    return count


def csv_lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    """Entries as lines of CSV (RFC 4180), a header before them."""
    line = io.StringIO()
    lines = csv.writer(line)

    def written(values: Sequence[str]) -> str:
        line.seek(0)
        line.truncate()
        lines.writerow(values)
        return line.getvalue()

    yield written(COLUMNS)
    for entry in entries:
        yield written([entry.at.isoformat(), *(_harmless(str(getattr(entry, name))) for name in COLUMNS[1:])])


def _batches(found: QuerySet[AuditEntry]) -> Iterator[AuditEntry]:
    """All of them, without holding them all at once."""
    after: AuditEntry | None = None
    while True:
        rest = found if after is None else found.filter(at__gte=after.at).exclude(at=after.at, pk__lte=after.pk)
        batch = list(rest[:BATCH])
        yield from batch
        if len(batch) < BATCH:
            return
        after = batch[-1]


def _harmless(text: str) -> str:
    """As a spreadsheet shows it: one that begins like a formula is text."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
