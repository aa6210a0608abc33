"""The base of the console's pages: within Django admin, with its permissions, without its lists of rows."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from gateway_clients.console.models import Page

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Page]
else:
    ModelAdmin = admin.ModelAdmin


class PageAdmin(ModelAdmin):
    """One page, and the pages below it."""

    def page(self, request: HttpRequest) -> HttpResponse:
        """The page itself; who asks may see it."""
        raise NotImplementedError

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There are no rows to add."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A page without levers has nothing to change."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A page without levers has nothing to delete."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether the account may see the page."""
        return bool(request.user.has_perm(f"console.view_{self.opts.model_name}"))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Shows the page in place of a list."""
        self.require_view(request)
        return self.page(request)

    def require_view(self, request: HttpRequest) -> None:
        """Raises PermissionDenied for an account that may not see the page."""
        if not self.has_view_permission(request):
            raise PermissionDenied

    def get_urls(self) -> list[URLPattern]:
        """Returns the URL of the page alone."""
        view = self.admin_site.admin_view(self.changelist_view)
        return [path("", view, name=f"console_{self.opts.model_name}_changelist")]

    def shown(self, request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
        """The template within the frame of Django admin."""
        frame = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        return TemplateResponse(request, f"console/{template}", {**frame, **context})

    def record(self, request: HttpRequest, *, flag: int, about: str, message: str) -> None:
        """Writes down who did what, and why, in Django admin's log."""
        LogEntry.objects.create(
            user_id=str(request.user.pk),
            content_type=ContentType.objects.get_for_model(self.model),
            object_id=about,
            object_repr=about[:200],
            action_flag=flag,
            change_message=message,
        )
