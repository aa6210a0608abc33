"""The page of game days: faults put into the calls to an upstream for a while, and what portals saw of it."""

from datetime import timedelta
from typing import Any, cast

from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone

from gateway_clients.audit.staff import note_staff_look
from gateway_clients.console.forms import GameDayForm
from gateway_clients.console.game_reports import report_of, rows_of, snapshot
from gateway_clients.console.levers import names_of
from gateway_clients.console.measurements import Measurements, measure
from gateway_clients.console.models import GameDay
from gateway_clients.console.pages import PageAdmin
from gateway_clients.fleet.game_days import are_allowed
from gateway_clients.fleet.pulse import pulse
from gateway_clients.redis_access.circuit import CacheDownError
from gateway_clients.resilience.faults import InjectedFault

PAGE = "admin:console_gameday_changelist"
MOST_SHOWN = 20


class GameDayAdmin(PageAdmin):
    """Game days, past and present; started and ended by those who may steer."""

    def get_urls(self) -> list[URLPattern]:
        """The page, the form that starts one, and the end of each."""
        guarded = self.admin_site.admin_view
        return [
            *super().get_urls(),
            path("start/", guarded(self.start_view), name="console_gameday_start"),
            path("<int:number>/end/", guarded(self.end_view), name="console_gameday_end"),
        ]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether the account may start and end game days, where there are any."""
        return are_allowed() and bool(request.user.has_perm("console.change_gameday"))

    def page(self, request: HttpRequest) -> HttpResponse:
        """The latest, each with its report."""
        found = measure()
        days = list(GameDay.objects.all()[:MOST_SHOWN])
        names = names_of([day.started_by for day in days])
        rows = []
        for day in days:
            report = self._report(day, found)
            rows.append(
                {
                    "day": day,
                    "who": names[day.started_by],
                    "is_on": day.ends_at > timezone.now(),
                    "views": rows_of(report, day.before),
                    "calls": report.get("calls", {}),
                }
            )
        context = {
            "rows": rows,
            "are_allowed": are_allowed(),
            "may_change": self.has_change_permission(request),
            "is_redis_down": found.is_redis_down,
        }
        return self.shown(request, "game_days.html", "Game days", **context)

    def _report(self, day: GameDay, found: Measurements) -> dict[str, Any]:
        """The report as it is kept, or as it stands; it is kept at the first look behind the end."""
        if day.report or found.is_redis_down:
            return cast(dict[str, Any], day.report)
        report = report_of(day, found)
        if day.ends_at <= timezone.now():
            GameDay.objects.filter(pk=day.pk).update(report=report)
        return report

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """The form that starts one."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        form = GameDayForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and self._started(request, form):
            return redirect(PAGE)
        return self.shown(request, "game_day.html", "Start a game day", form=form)

    def _started(self, request: HttpRequest, form: GameDayForm) -> bool:
        day: GameDay = form.save(commit=False)
        if GameDay.objects.filter(service=day.service, ends_at__gt=timezone.now()).exists():
            messages.error(request, f"There is one for {day.service} already; end it first.")
            return False
        found = measure()
        day.started_by = str(request.user.pk)
        day.ends_at = timezone.now() + timedelta(minutes=form.cleaned_data["minutes"])
        day.before = snapshot(day.service, found.late)
        fault = InjectedFault(
            kind=day.kind, percent=day.percent, until=day.ends_at.timestamp(), delay_seconds=day.delay_ms / 1000
        )
        note_staff_look("gameday.start", account_id=day.started_by, sections=day.service, reason=day.reason)
        try:
            with transaction.atomic():
                day.save()
                self._record(request, day, ADDITION, f"Started, {day.percent} % of the calls: {day.reason}")
                pulse().circuit.run(lambda redis: pulse().faults.begin(redis, day.service, fault))
        except CacheDownError:
            messages.error(request, "Redis does not answer: nothing was started.")
            return False
        messages.success(request, f"{day.service}: it begins within a second or two, and ends by itself.")
        return True

    def end_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Ends a game day now."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        day = get_object_or_404(GameDay, pk=number)
        try:
            is_ended = self._ended(request, day)
        except CacheDownError:
            messages.error(request, "Redis does not answer. Without it the faults end by themselves.")
            return redirect(PAGE)
        if is_ended:
            messages.success(request, f"{day.service}: it ends within a second or two.")
        else:
            messages.error(request, f"{day.service}: this one was over already.")
        return redirect(PAGE)

    def _ended(self, request: HttpRequest, day: GameDay) -> bool:
        """Ends it with its fault unless it is over: the upstream's fault may be another day's by now.

        Raises CacheDownError.
        """
        account_id = str(request.user.pk)
        living = GameDay.objects.filter(pk=day.pk, ends_at__gt=timezone.now())
        if not living.exists():
            return False
        note_staff_look("gameday.end", account_id=account_id, sections=day.service)
        with transaction.atomic():
            if not living.update(ends_at=timezone.now(), ended_by=account_id):
                return False
            self._record(request, day, CHANGE, "Ended")
            pulse().circuit.run(lambda redis: pulse().faults.end(redis, day.service))
        return True

    def _record(self, request: HttpRequest, day: GameDay, flag: int, text: str) -> None:
        self.record(request, flag=flag, about=str(day), message=text)
