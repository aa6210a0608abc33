"""The page of breakers: a row for each upstream over all processes, and the levers on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.contrib import messages
from django.contrib.admin.models import CHANGE
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path

from gateway_clients.conf import SERVICES
from gateway_clients.console import levers
from gateway_clients.console.forms import ACTIONS, OrderForm
from gateway_clients.console.impact import Impact, impact_of
from gateway_clients.console.levers import Wish
from gateway_clients.console.measurements import Measurements, measure
from gateway_clients.console.models import OverrideProposal
from gateway_clients.console.moments import moment_of
from gateway_clients.console.pages import PageAdmin
from gateway_clients.console.upstream_lines import UpstreamLine, upstream_lines
from gateway_clients.fleet.processes import BreakerStatus
from gateway_clients.fleet.pulse import pulse
from gateway_clients.resilience.breaker import Override
from gateway_clients.resilience.breaker_sync import breaker_sync
from gateway_clients.resilience.overrides import OverrideOrder

PAGE = "admin:console_breaker_changelist"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOrder:
    """An order as it is shown."""

    override: str
    until: datetime
    reason: str
    ticket: str
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBreaker:
    """One breaker in one process. `override`: none when empty; `is_here`: in the one that shows it."""

    process: str
    status: BreakerStatus
    override: str
    since: datetime
    is_here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownUpstream:
    """One upstream: its line, its order, its breakers, what a lever touches."""

    line: UpstreamLine
    order: ShownOrder | None
    breakers: Sequence[ShownBreaker]
    impact: Impact

    @property
    def name(self) -> str:
        """The name of the upstream."""
        return self.line.name

    @property
    def open_in(self) -> int:
        """In how many processes it is not closed."""
        return sum(breaker.status.state != "closed" for breaker in self.breakers)


class BreakerAdmin(PageAdmin):
    """Breakers, the form that orders overrides, and what waits for a second person."""

    def get_urls(self) -> list[URLPattern]:
        """The page, the form of each upstream, and the decision of each proposal."""
        guarded = self.admin_site.admin_view
        return [
            *super().get_urls(),
            path("<str:service>/change/", guarded(self.order_view), name="console_breaker_change"),
            path("proposals/<int:number>/", guarded(self.decide_view), name="console_breaker_decide"),
        ]

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Whether the account may steer breakers."""
        return bool(request.user.has_perm("console.change_breaker"))

    def page(self, request: HttpRequest) -> HttpResponse:
        """All breakers; those of this process alone while Redis is down."""
        found = measure()
        proposals = levers.open_proposals()
        names = levers.names_of([each.proposed_by for each in proposals])
        own = str(request.user.pk)
        context = {
            "upstreams": shown_upstreams(found),
            "is_redis_down": found.is_redis_down,
            "may_change": self.has_change_permission(request),
            "proposals": [(each, names[each.proposed_by], each.proposed_by == own) for each in proposals],
        }
        return self.shown(request, "breakers.html", "Breakers", **context)

    def order_view(self, request: HttpRequest, service: str) -> HttpResponse:
        """The form for one upstream, with what a lever touches."""
        if service not in SERVICES:
            raise Http404
        if not self.has_change_permission(request):
            raise PermissionDenied
        form = OrderForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            self._ordered(request, service, form)
            return redirect(PAGE)
        context = {"form": form, "service": service, "impact": impact_of(service, measure())}
        return self.shown(request, "order.html", f"Breaker of {service}", **context)

    def _ordered(self, request: HttpRequest, service: str, form: OrderForm) -> None:
        names = ("action", "minutes", "reason", "ticket")
        wish = Wish(service=service, **{name: form.cleaned_data[name] for name in names})
        record = partial(self._record, request, service)
        if levers.needs_second_person(wish):
            levers.propose(wish, by=str(request.user.pk), record=record)
            messages.warning(request, f"{service}: {wish.text}. It holds once a second person has agreed.")
            return
        levers.fulfil(wish, by=str(request.user.pk), record=record)
        label = dict(ACTIONS)[wish.action].partition(":")[0]
        messages.success(request, f"{service}: {label}. It holds in every process within a second.")

    def decide_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Agrees to a proposal, or refuses it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        proposal = get_object_or_404(OverrideProposal, pk=number)
        is_approved = request.POST.get("decision") == "agree"
        record = partial(self._record, request, proposal.service)
        try:
            levers.decide(proposal, by=str(request.user.pk), is_approved=is_approved, record=record)
        except levers.SamePersonError:
            messages.error(request, "Somebody else has to agree to it.")
        except levers.ProposalGoneError:
            messages.error(request, "It was decided already, or its time is over.")
        else:
            words = "It holds in every process within a second." if is_approved else "It was refused."
            messages.success(request, f"{proposal.service}: {words}")
        return redirect(PAGE)

    def _record(self, request: HttpRequest, service: str, text: str) -> None:
        self.record(request, flag=CHANGE, about=service, message=text)


def shown_upstreams(found: Measurements) -> list[ShownUpstream]:
    """Returns the rows of the page, one for each upstream."""
    orders = shown_orders(breaker_sync().orders())
    own_process = pulse().process

    def shown(line: UpstreamLine) -> ShownUpstream:
        breakers = [
            ShownBreaker(
                process=process.process,
                status=status,
                override="" if status.override == Override.NORMAL else _words(status.override),
                since=moment_of(status.since),
                is_here=process.process == own_process,
            )
            for process, status in line.breakers
        ]
        return ShownUpstream(
            line=line, order=orders.get(line.name), breakers=breakers, impact=impact_of(line.name, found)
        )

    return [shown(line) for line in upstream_lines(found)]


def shown_orders(orders: Mapping[str, OverrideOrder]) -> dict[str, ShownOrder]:
    """Staff's orders as they are shown, by upstream."""
    names = levers.names_of([order.ordered_by for order in orders.values()])
    return {
        service: ShownOrder(
            override=_words(order.override),
            until=moment_of(order.until),
            reason=order.reason,
            ticket=order.ticket,
            who=names[order.ordered_by],
        )
        for service, order in orders.items()
    }


def _words(override: str) -> str:
    return override.replace("_", " ")
