"""The page of the cache: how well it does, what is kept under which key, one value after a reason, and dropping."""

from typing import Final

import msgspec
from django.contrib import messages
from django.contrib.admin.models import CHANGE, DELETION
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from gateway_clients.audit.staff import note_staff_look
from gateway_clients.caching.census import Census, census_taker
from gateway_clients.caching.inspection import MOST_SHOWN, SUBJECT, Listing, count_matching, entries_matching
from gateway_clients.caching.purge import exactly
from gateway_clients.caching.revelation import UnreadableEntryError, masked, revealed
from gateway_clients.caching.store import default_cache, invalidations
from gateway_clients.conf import DataClass
from gateway_clients.console.cache_ratios import OUTCOMES, ratios
from gateway_clients.console.entry_search import KINDS, LONGEST_PATTERN, EntrySearch
from gateway_clients.console.forms import DropForm, RevealForm
from gateway_clients.console.measurements import measure
from gateway_clients.console.pages import PageAdmin
from gateway_clients.redis_access.circuit import CacheDownError

PAGE: Final = "admin:console_cacheentry_changelist"


class CacheEntryAdmin(PageAdmin):
    """The cache, the value of an entry, and the form that drops entries."""

    def get_urls(self) -> list[URLPattern]:
        """The page, and the forms."""
        guarded = self.admin_site.admin_view
        return [
            *super().get_urls(),
            path("drop/", guarded(self.drop_view), name="console_cacheentry_drop"),
            path("reveal/", guarded(self.reveal_view), name="console_cacheentry_reveal"),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Whether the account may drop entries."""
        return bool(request.user.has_perm("console.delete_cacheentry"))

    def has_reveal_permission(self, request: HttpRequest) -> bool:
        """Whether the account may see values."""
        return bool(request.user.has_perm("console.reveal_cacheentry"))

    def page(self, request: HttpRequest) -> HttpResponse:
        """The ratios and the memory, and what matches; nothing is looked up before something is asked for."""
        search, found = EntrySearch.of(request.GET), measure()
        listing, is_redis_down = _looked_up(search)
        context = {
            "search": search,
            "pattern": search.pattern,
            "kinds": (*KINDS, "pattern"),
            "listing": listing,
            "is_redis_down": is_redis_down or found.is_redis_down,
            "most_shown": MOST_SHOWN,
            "data_classes": [str(data_class) for data_class in DataClass],
            "may_drop": self.has_delete_permission(request),
            "may_reveal": self.has_reveal_permission(request),
            "entries": [(entry, exactly(entry.key)) for entry in listing.entries] if listing is not None else [],
            "ratios": ratios(found),
            "outcomes": OUTCOMES,
            "census": _census(),
        }
        return self.shown(request, "entries.html", "Cache entries", **context)

    def drop_view(self, request: HttpRequest) -> HttpResponse:
        """Says how many, asks why, and drops."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        asked = request.GET.get("pattern", "")[:LONGEST_PATTERN]
        form = DropForm(request.POST or None, initial={"pattern": asked})
        if request.method == "POST" and form.is_valid() and self._dropped(request, form):
            return redirect(PAGE)
        pattern = form["pattern"].value() or ""
        if not pattern:
            return redirect(PAGE)
        context = {"form": form, "pattern": pattern, "count": _count(pattern)}
        return self.shown(request, "drop.html", "Drop cache entries", **context)

    def _dropped(self, request: HttpRequest, form: DropForm) -> bool:
        pattern, reason = form.cleaned_data["pattern"], form.cleaned_data["reason"]
        try:
            count_matching(default_cache().circuit, pattern)
            note_staff_look("cache.drop", account_id=str(request.user.pk), sections=pattern, reason=reason)
            with transaction.atomic():
                self.record(request, flag=DELETION, about=pattern, message=f"Dropped: {reason}")
                count = invalidations().purge_pattern(default_cache().circuit, pattern)
        except CacheDownError:
            messages.error(request, "Redis does not answer: nothing was dropped. Try again when it is back.")
            return False
        messages.success(request, f"{count} {'entry' if count == 1 else 'entries'} dropped: {pattern}")
        return True

    def reveal_view(self, request: HttpRequest) -> HttpResponse:
        """Asks why, writes it down, and shows the value; masked unless more was asked for."""
        if not self.has_reveal_permission(request):
            raise PermissionDenied
        key = request.GET.get("key", "")[:LONGEST_PATTERN]
        form = RevealForm(request.POST or None, initial={"key": key})
        value = None
        if request.method == "POST" and form.is_valid():
            value = self._revealed(request, form)
        key = form["key"].value() or ""
        if not key:
            return redirect(PAGE)
        return self.shown(request, "reveal.html", "Value of a cache entry", form=form, key=key, value=value)

    def _revealed(self, request: HttpRequest, form: RevealForm) -> str | None:
        key, reason = form.cleaned_data["key"], form.cleaned_data["reason"]
        is_clear = form.cleaned_data["is_clear"]
        try:
            value, named = revealed(default_cache().circuit, key)
        except UnreadableEntryError:
            messages.error(request, "The entry has gone, or nobody can read it.")
            return None
        except CacheDownError:
            messages.error(request, "Redis does not answer.")
            return None
        manner = "in clear" if is_clear else "masked"
        note_staff_look(
            "console.reveal" if is_clear else "console.reveal_masked",
            account_id=str(request.user.pk),
            members=[subject for kind, subject in SUBJECT.findall(key) if kind == "member"][:1] or named,
            sections=key.partition(":")[0],
            origins="cache",
            reason=reason,
        )
        self.record(request, flag=CHANGE, about=key, message=f"Value shown {manner}: {reason}")
        shown = value if is_clear else masked(value)
        return msgspec.json.format(msgspec.json.encode(shown, enc_hook=str), indent=2).decode()


def _looked_up(search: EntrySearch) -> tuple[Listing | None, bool]:
    if not search.pattern:
        return None, default_cache().circuit.is_down
    try:
        return entries_matching(default_cache().circuit, search.pattern, place=search.place), False
    except CacheDownError:
        return None, True


def _count(pattern: str) -> str:
    try:
        count, is_whole = count_matching(default_cache().circuit, pattern)
    except CacheDownError:
        return ""
    return f"{count:,}" if is_whole else f"more than {count:,}"


def _census() -> Census | None:
    try:
        return census_taker().census(default_cache().circuit)
    except CacheDownError:
        return None
