"""The page of breakers: every upstream in every process that lives, and staff's orders for them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.admin.models import CHANGE
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from gateway_clients.conf import SERVICES
from gateway_clients.console.forms import ACTIONS, BACK_TO_NORMAL, OrderForm
from gateway_clients.console.pages import PageAdmin
from gateway_clients.pipeline.upstreams import all_upstreams
from gateway_clients.redis_access.circuit import CacheDownError
from gateway_clients.resilience.breaker import Override
from gateway_clients.resilience.breaker_sync import BreakerReport, OverrideOrder, breaker_sync


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOrder:
    """An order as it is shown."""

    override: str
    until: datetime
    reason: str
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBreaker:
    """One upstream's breaker in one process. `override`: none when empty; `is_here`: in the one that shows it."""

    report: BreakerReport
    override: str
    since: datetime
    is_here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownUpstream:
    """One upstream, its order, its breakers."""

    name: str
    order: ShownOrder | None
    breakers: Sequence[ShownBreaker]


class BreakerAdmin(PageAdmin):
    """Breakers, and the form that orders overrides."""

    def get_urls(self) -> list[URLPattern]:
        """The page, and the form of each upstream."""
        order = path(
            "<str:service>/change/", self.admin_site.admin_view(self.order_view), name="console_breaker_change"
        )
        return [*super().get_urls(), order]

    def page(self, request: HttpRequest) -> HttpResponse:
        """All breakers; those of this process alone while Redis is down."""
        upstreams, is_redis_down = shown_upstreams()
        context = {
            "upstreams": upstreams,
            "is_redis_down": is_redis_down,
            "may_change": self.has_change_permission(request),
        }
        return self.shown(request, "breakers.html", "Breakers", **context)

    def order_view(self, request: HttpRequest, service: str) -> HttpResponse:
        """The form for one upstream."""
        if service not in SERVICES:
            raise Http404
        if not self.has_change_permission(request):
            raise PermissionDenied
        form = OrderForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            self._ordered(request, service, form)
            return redirect("admin:console_breaker_changelist")
        return self.shown(request, "order.html", f"Breaker of {service}", form=form, service=service)

    def _ordered(self, request: HttpRequest, service: str, form: OrderForm) -> None:
        """Writes the order and its entry in the log down, both or neither, and has every process read it."""
        action, reason, minutes = (form.cleaned_data[name] for name in ("action", "reason", "minutes"))
        label = dict(ACTIONS)[action].partition(":")[0]
        lasts = "" if action == BACK_TO_NORMAL else f" for {minutes} minutes"
        sharing, who = breaker_sync(), str(request.user.pk)
        with transaction.atomic():
            self.record(request, flag=CHANGE, about=service, message=f"{label}{lasts}: {reason}")
            if action == BACK_TO_NORMAL:
                ruling = sharing.order_reset(service, reason=reason, ordered_by=who)
            else:
                order = OverrideOrder(
                    override=Override(action), until=time.time() + 60 * minutes, reason=reason, ordered_by=who
                )
                ruling = sharing.order(service, order)
        sharing.announce(service, ruling)
        messages.success(request, f"{service}: {label}{lasts}. It holds in every process within a second.")


def shown_upstreams() -> tuple[list[ShownUpstream], bool]:
    """What the page shows, and whether Redis is down."""
    all_upstreams()
    sharing = breaker_sync()
    own = sharing.reports()
    try:
        others = [report for report in sharing.all_reports() if report.process != sharing.process]
        is_redis_down = False
    except CacheDownError:
        others, is_redis_down = [], True
    orders = _shown_orders(sharing.orders())
    reports = [*own, *sorted(others, key=lambda report: report.process)]
    upstreams = [
        ShownUpstream(
            name=name,
            order=orders.get(name),
            breakers=[_shown(report, sharing.process) for report in reports if report.service == name],
        )
        for name in SERVICES
    ]
    return upstreams, is_redis_down


def _shown(report: BreakerReport, own_process: str) -> ShownBreaker:
    override = "" if report.override == Override.NORMAL else _words(report.override)
    is_here = report.process == own_process
    return ShownBreaker(report=report, override=override, since=_moment(report.since), is_here=is_here)


def _shown_orders(orders: Mapping[str, OverrideOrder]) -> dict[str, ShownOrder]:
    ids = [order.ordered_by for order in orders.values() if order.ordered_by.isdecimal()]
    names = {str(account.pk): str(account) for account in get_user_model()._default_manager.filter(pk__in=ids)}
    return {
        service: ShownOrder(
            override=_words(order.override),
            until=_moment(order.until),
            reason=order.reason,
            who=names.get(order.ordered_by, f"account {order.ordered_by}"),
        )
        for service, order in orders.items()
    }


def _words(override: str) -> str:
    return override.replace("_", " ")


def _moment(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)
