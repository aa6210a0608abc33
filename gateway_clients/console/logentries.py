"""What staff did, in Django admin's own log: readable, never to be changed here."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.http import HttpRequest

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[LogEntry]
else:
    Admin = admin.ModelAdmin


class LogEntryAdmin(Admin):
    """Who did what to which thing, and why."""

    list_display = ("action_time", "thing", "message", "user", "action")
    list_filter = ("action_time", "action_flag", ("content_type", admin.RelatedOnlyFieldListFilter))
    search_fields = ("object_repr", "change_message", "user__email")
    date_hierarchy = "action_time"
    list_select_related = ("user", "content_type")
    fields = ("action_time", "user", "action", "content_type", "object_id", "object_repr", "message")
    readonly_fields = fields
    list_per_page = 50
    change_list_template = "console/change_list.html"

    @admin.display(ordering="action_flag")
    def action(self, row: LogEntry) -> str:
        """Returns the action."""
        return str(row.get_action_flag_display())

    @admin.display(ordering="object_repr")
    def thing(self, row: LogEntry) -> str:
        """Returns the object of the action."""
        kind = "" if row.content_type is None else f"{row.content_type.name} "
        return f"{kind}{row.object_repr}"

    @admin.display(description="reason", ordering="change_message")
    def message(self, row: LogEntry) -> str:
        """Why, or what was changed."""
        return str(row.get_change_message())

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """They come from what staff do."""
        return False

    def has_change_permission(self, _request: HttpRequest, _row: Any = None) -> bool:
        """What happened has happened."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _row: Any = None) -> bool:
        """What happened has happened."""
        return False
