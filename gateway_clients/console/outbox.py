"""Staff's page of the outbox: what waits, what is parked and why, and how to try it again."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from gateway_clients.console.actions import ReasonActionForm, reason_of, record_action
from gateway_clients.models import OutboxMessage
from gateway_clients.outbox import leases
from gateway_clients.outbox.broker_notifier import nudge

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[OutboxMessage]
else:
    Admin = admin.ModelAdmin


class ParkedFilter(admin.SimpleListFilter):
    """Parked ones, or those that the worker still tries."""

    title = "parked"
    parameter_name = "parked"

    def lookups(self, _request: HttpRequest, _admin: Any) -> list[tuple[str, str]]:
        """Returns the choices of the filter."""
        return [("yes", "Parked"), ("no", "Being tried")]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> QuerySet[OutboxMessage]:
        """Returns the rows of the chosen value."""
        wanted = {"yes": False, "no": True}.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(parked_at__isnull=wanted)


class OutboxMessageAdmin(Admin):
    """What is still to be done; what was done is gone from here."""

    list_display = ("id", "kind", "trouble", "parked_at", "attempts", "due_at", "about")
    list_filter = (ParkedFilter, "kind")
    search_fields = ("key", "about", "kind")
    ordering = ("-parked_at", "due_at")
    fields = ("kind", "key", "about", "payload", "created_at", "due_at", "attempts", "refusals", "parked_at", "trouble")
    readonly_fields = fields
    change_list_template = "console/change_list.html"
    actions = ("replay",)
    action_form = ReasonActionForm

    @admin.action(description="Try parked messages again, with the same keys", permissions=["change"])
    def replay(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        """Makes the chosen ones due now; those that are not parked are left as they are."""
        reason = reason_of(request)
        if reason is None:
            return
        for row in queryset.exclude(parked_at=None):
            record_action(self, request, row, action="outbox.replay", text="Tried again", reason=reason, member="")
        count = leases.replay(queryset, now=timezone.now())
        nudge()
        self.message_user(request, f"{count} parked messages are tried again.")

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """They come from what the gateway does."""
        return False
