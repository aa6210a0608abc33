"""Staff's page of submissions: how far each has got; never what was asked or answered."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from claims.figures import submissions
from claims.models import State, Submission
from claims.resolution import HAPPENED, ResolutionForm, UnresolvableError, resolve
from claims.submissions.messages import SETTLE, about
from gateway_clients.audit.staff import note_staff_look
from gateway_clients.console import figures
from gateway_clients.console.actions import ReasonActionForm, reason_of, record_action
from gateway_clients.models import OutboxMessage
from gateway_clients.outbox import leases
from gateway_clients.outbox.broker_notifier import nudge

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Submission]
else:
    Admin = admin.ModelAdmin


@admin.register(Submission)
class SubmissionAdmin(Admin):
    """Submissions, cancellations and appeals of the last day, and all that are not settled."""

    list_display = ("number", "state", "operation", "created_at", "settled_at", "member_id", "claim_id", "provider_id")
    list_filter = ("state", "operation")
    search_fields = ("id", "member_id", "provider_id", "claim_id", "upstream_key")
    ordering = ("-created_at",)
    fields = (
        "what_to_do",
        "id",
        *list_display[1:],
        "account_id",
        "upstream_key",
        "leased_until",
        "expires_at",
    )
    readonly_fields = fields
    actions = ("try_again",)
    action_form = ReasonActionForm
    change_list_template = "console/change_list.html"
    change_form_template = "claims/submission.html"

    def get_urls(self) -> list[URLPattern]:
        """Its pages, and the one that resolves a submission."""
        resolve_page = path(
            "<uuid:pk>/resolve/", self.admin_site.admin_view(self.resolve_view), name="claims_submission_resolve"
        )
        return [resolve_page, *super().get_urls()]

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Whether the account may have submissions tried again, and resolve them."""
        return bool(request.user.has_perm("claims.change_submission"))

    @admin.action(description="Find out now what became of them", permissions=["steer"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Submission]) -> None:
        """Has the worker try the open ones at once, with the same keys; parked ones too."""
        reason = reason_of(request)
        if reason is None:
            return
        count = 0
        for row in queryset.filter(state__in=(State.SENDING, State.UNKNOWN)):
            record_action(
                self, request, row, action="submission.retry", text="Tried again", reason=reason, member=row.member_id
            )
            messages_of_it = OutboxMessage.objects.filter(kind=SETTLE, about=about(row))
            leases.replay(messages_of_it, now=timezone.now())
            messages_of_it.update(due_at=timezone.now())
            count += 1
        nudge()
        self.message_user(request, f"{count} submissions are looked after now; those that are settled are left alone.")

    def resolve_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Asks what became of a submission, and settles it so."""
        if not self.has_steer_permission(request):
            raise PermissionDenied
        row = get_object_or_404(Submission, pk=pk)
        form = ResolutionForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and self._resolved(request, row, form):
            return redirect("admin:claims_submission_change", row.pk)
        frame = self.admin_site.each_context(request)
        context = {**frame, "opts": self.opts, "title": "Resolve a submission", "form": form, "row": row}
        context["what_to_do"] = self.what_to_do(row)
        return TemplateResponse(request, "claims/resolve.html", context)

    def _resolved(self, request: HttpRequest, row: Submission, form: ResolutionForm) -> bool:
        given = form.cleaned_data
        has_happened = given["outcome"] == HAPPENED
        words = f"Resolved as claim {given['claim_id']}" if has_happened else "Resolved as not happened"
        if row.is_final:
            messages.error(request, "Its outcome is known by now.")
            return False
        try:
            note_staff_look(
                "submission.resolve",
                account_id=str(request.user.pk),
                member_id=row.member_id,
                sections=str(row.pk),
                reason=given["reason"],
            )
            resolve(row, has_happened=has_happened, claim_id=given["claim_id"], now=timezone.now())
        except UnresolvableError as error:
            messages.error(request, str(error))
            return False
        self.log_change(request, row, f"{words}: {given['reason']}")
        messages.success(request, f"{words}. Its portal is told at its next look.")
        return True

    @admin.display(description="Id", ordering="id")
    def number(self, row: Submission) -> str:
        """The head of its id, which tells it from others on a page."""
        return str(row.pk)[:8]

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


figures.register(submissions)
