"""The page of the cache: what is kept under which key, and dropping it. Never the values."""

from typing import Final

from django.contrib import messages
from django.contrib.admin.models import DELETION
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from gateway_clients.caching.inspection import MOST_SHOWN, Listing, entries_matching
from gateway_clients.caching.invalidation import exactly, purge_pattern
from gateway_clients.caching.store import default_cache
from gateway_clients.conf import DataClass
from gateway_clients.console.forms import DropForm
from gateway_clients.console.pages import PageAdmin
from gateway_clients.redis_access.circuit import CacheDownError

LONGEST_PATTERN: Final = 300


class CacheEntryAdmin(PageAdmin):
    """Entries by pattern, and the form that drops them."""

    def get_urls(self) -> list[URLPattern]:
        """The page, and the form."""
        drop = path("drop/", self.admin_site.admin_view(self.drop_view), name="console_cacheentry_drop")
        return [*super().get_urls(), drop]

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """They are looked at and dropped, never changed."""
        return False

    def page(self, request: HttpRequest) -> HttpResponse:
        """What matches; nothing is looked up before a pattern is given."""
        pattern = request.GET.get("pattern", "").strip()[:LONGEST_PATTERN]
        listing, is_redis_down = _looked_up(pattern)
        context = {
            "pattern": pattern,
            "listing": listing,
            "is_redis_down": is_redis_down,
            "most_shown": MOST_SHOWN,
            "data_classes": [str(data_class) for data_class in DataClass],
            "may_drop": self.has_delete_permission(request),
            "entries": [(entry, exactly(entry.key)) for entry in listing.entries] if listing is not None else [],
        }
        return self.shown(request, "entries.html", "Cache entries", **context)

    def drop_view(self, request: HttpRequest) -> HttpResponse:
        """Asks why, and drops."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        asked = request.GET.get("pattern", "")[:LONGEST_PATTERN]
        form = DropForm(request.POST or None, initial={"pattern": asked})
        if request.method == "POST" and form.is_valid() and self._dropped(request, form):
            return redirect("admin:console_cacheentry_changelist")
        pattern = form["pattern"].value() or ""
        if not pattern:
            return redirect("admin:console_cacheentry_changelist")
        return self.shown(request, "drop.html", "Drop cache entries", form=form, pattern=pattern)

    def _dropped(self, request: HttpRequest, form: DropForm) -> bool:
        pattern, reason = form.cleaned_data["pattern"], form.cleaned_data["reason"]
        try:
            with transaction.atomic():
                self.record(request, flag=DELETION, about=pattern, message=f"Dropped: {reason}")
                count = purge_pattern(default_cache().circuit, pattern)
        except CacheDownError:
            messages.error(request, "Redis does not answer: nothing was dropped. Try again when it is back.")
            return False
        messages.success(request, f"{count} {'entry' if count == 1 else 'entries'} dropped: {pattern}")
        return True


def _looked_up(pattern: str) -> tuple[Listing | None, bool]:
    if not pattern:
        return None, default_cache().circuit.is_down
    try:
        return entries_matching(default_cache().circuit, pattern), False
    except CacheDownError:
        return None, True
