"""Staff's page of submissions: how far each has got; never what was asked or answered."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from claims.models import Submission
from claims.submissions.repository import SETTLE, about
from gateway_clients.models import OutboxMessage

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Submission]
else:
    Admin = admin.ModelAdmin


@admin.register(Submission)
class SubmissionAdmin(Admin):
    """Submissions, cancellations and appeals of the last day, and all that are not settled."""

    list_display = ("id", "operation", "state", "member_id", "provider_id", "claim_id", "created_at", "settled_at")
    list_filter = ("state", "operation")
    search_fields = ("id", "member_id", "provider_id", "claim_id", "upstream_key")
    ordering = ("-created_at",)
    fields = (*list_display, "account_id", "upstream_key", "leased_until", "expires_at", "what_to_do")
    readonly_fields = fields

    @admin.display(description="What to do")
    def what_to_do(self, row: Submission) -> str:
        """What the worker last said about it."""
        message = OutboxMessage.objects.filter(kind=SETTLE, about=about(row)).first()
        if message is None:
            return "Nothing."
        waits = "It waits for you among the outbox messages." if message.parked_at else "The worker goes on trying."
        return f"{message.trouble} {waits}".strip()

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """They come from portals."""
        return False

    def has_change_permission(self, _request: HttpRequest, _row: Any = None) -> bool:
        """What happened has happened."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _row: Any = None) -> bool:
        """The worker removes them when their time is over."""
        return False
