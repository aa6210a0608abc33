"""The page of the audit trail: read only, found by member, account and time; its export is a row of it itself."""

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import cached_property

from gateway_clients.audit.disclosures import csv_lines
from gateway_clients.audit.staff import note_staff_look
from gateway_clients.models import AuditEntry

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[AuditEntry]
    Pages = Paginator[AuditEntry]
else:
    Admin, Pages = admin.ModelAdmin, Paginator

#: A table of many millions is not counted for a page number.
MOST_COUNTED: Final = 10_000
RANGE: Final = ".."


class BoundedPaginator(Pages):
    """Counts no further than the pages that anybody would leaf through."""

    @cached_property
    def count(self) -> int:
        """How many rows, up to the limit."""
        return len(cast("QuerySet[AuditEntry]", self.object_list).values_list("pk")[:MOST_COUNTED])


class AuditEntryAdmin(Admin):
    """Who looked at whose data, and who tried to."""

    list_display = ("at", "action", "member_id", "account_id", "role", "outcome", "count", "sections", "origins")
    list_filter = ("outcome", "role")
    search_fields = ("member_id",)
    search_help_text = "A member's or an account's id, and days or times: m-1 2026-03-01..2026-03-31"
    ordering = ("-id",)
    fields = (*list_display, "request_id", "reason", "chain", "number", "key_id")
    readonly_fields = fields
    change_list_template = "console/change_list.html"
    actions = ("export",)
    show_full_result_count = False
    paginator = BoundedPaginator

    def get_search_results(
        self, _request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        """The rows of each of these ids, within each of these times."""
        for term in search_term.split():
            queryset = queryset.filter(_within(term) if RANGE in term else Q(member_id=term) | Q(account_id=term))
        return queryset, False

    @admin.action(description="Export as CSV", permissions=["view"])
    def export(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> StreamingHttpResponse | None:
        """The chosen rows, after a row that says who took them; none where there are more than a page counts."""
        rows = list(queryset.order_by("pk")[: MOST_COUNTED + 1])
        if len(rows) > MOST_COUNTED:
            messages.error(request, f"Nothing was exported: there are more than {MOST_COUNTED:,}. Search for fewer.")
            return None
        members = {row.member_id for row in rows}
        note_staff_look(
            "audit.export",
            account_id=str(request.user.pk),
            member_id=members.pop() if len(members) == 1 else "",
            count=max(1, len(rows)),
        )
        lines: Iterator[str] = csv_lines(rows)
        return StreamingHttpResponse(
            lines,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="audit.csv"', "Cache-Control": "no-store"},
        )

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """They come from looks at data."""
        return False

    def has_change_permission(self, _request: HttpRequest, _row: Any = None) -> bool:
        """The trail only grows."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _row: Any = None) -> bool:
        """The worker removes what is past its retention."""
        return False


def _within(term: str) -> Q:
    """From the first day or time until before the second, either of which may be left out."""
    since, _, until = term.partition(RANGE)
    found = Q()
    if (first := _moment(since)) is not None:
        found &= Q(at__gte=first)
    if (end := _moment(until, is_end=True)) is not None:
        found &= Q(at__lt=end)
    return found


def _moment(text: str, *, is_end: bool = False) -> datetime.datetime | None:
    """The time, or the beginning of the day; of the next day where it is an end. None for what is neither in UTC."""
    try:
        day = parse_date(text)
        at = datetime.datetime.combine(day, datetime.time()) if day is not None else parse_datetime(text)
        if at is None:
            return None
        if day is not None and is_end:
            at += datetime.timedelta(days=1)
        return timezone.make_aware(at, datetime.UTC) if timezone.is_naive(at) else at.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None
