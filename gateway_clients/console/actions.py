"""Actions on rows of Django admin that take a reason, which stands in its log and in the audit trail."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.http import HttpRequest

from gateway_clients.audit.staff import note_staff_look


class ReasonActionForm(ActionForm):
    """The choice of an action, and why."""

    reason = forms.CharField(
        label="\u00a0Reason:", required=False, max_length=300, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


def reason_of(request: HttpRequest) -> str | None:
    """Why the action is taken; None, and a message about it, where no reason was given."""
    reason = request.POST.get("reason", "").strip()[:300]
    if not reason:
        messages.error(request, "Nothing was done: give a reason beside the action.")
        return None
    return reason


def record_action(
    page: "admin.ModelAdmin[Any]", request: HttpRequest, row: Any, *, action: str, text: str, reason: str, member: str
) -> None:
    """Writes down what is about to be done to a row, and why. Raises AuditUnavailableError: it must not be done."""
    note_staff_look(action, account_id=str(request.user.pk), member_id=member, sections=str(row.pk), reason=reason)
    page.log_change(request, row, f"{text}: {reason}")
