"""The page that explains a request by its id."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path

from gateway_clients.console.moments import moment_of
from gateway_clients.console.pages import PageAdmin
from gateway_clients.console.routes import route_text
from gateway_clients.console.waterfall import waterfall
from gateway_clients.fleet.explanations import Explanation, Listed
from gateway_clients.fleet.pulse import pulse
from gateway_clients.fleet.sampler import Kind
from gateway_clients.redis_access.circuit import CacheDownError

#: The name of an explanation's address, which takes the request id.
EXPLAIN: Final = "gateway_explain"
#: What each kind says of a request.
KINDS: Final = {
    Kind.FAILED: "It failed.",
    Kind.SHED: "It was shed: it was answered at once that there was no room for it.",
    Kind.PARTIAL: "Its answer was not whole.",
    Kind.SLOW: "It was slow.",
    Kind.SAMPLE: "It is a sample: nothing was wrong with it.",
}


class ExplanationAdmin(PageAdmin):
    """The search for a request, and its explanation."""

    def get_urls(self) -> list[URLPattern]:
        """The page, and one for each request."""
        one = path("<str:request_id>/", self.admin_site.admin_view(self.one_view), name=EXPLAIN)
        return [*super().get_urls(), one]

    def page(self, request: HttpRequest) -> HttpResponse:
        """The latest, or the explanation of the request that was searched for."""
        request_id = request.GET.get("request_id", "").strip()[:64]
        if request_id and "/" not in request_id:
            return redirect(f"admin:{EXPLAIN}", request_id=request_id)
        kind = request.GET.get("kind", "")
        listed, is_redis_down = latest(kind if kind in set(Kind) else "")
        rows = [(each, moment_of(each.at), route_text(each.route)) for each in listed]
        return self.shown(
            request,
            "explanations.html",
            "Explain a request",
            rows=rows,
            kind=kind,
            kinds=list(Kind),
            is_redis_down=is_redis_down,
        )

    def one_view(self, request: HttpRequest, request_id: str) -> HttpResponse:
        """The explanation of one request."""
        self.require_view(request)
        explanation, is_redis_down = found(request_id)
        context = {"request_id": request_id, "is_redis_down": is_redis_down, "explanation": explanation}
        if explanation is not None:
            context |= {
                "rows": waterfall(explanation),
                "at": moment_of(explanation.at),
                "route": route_text(explanation.route),
                "meaning": KINDS.get(Kind(explanation.kind), ""),
            }
        return self.shown(request, "explanation.html", "Explain a request", **context)


def found(request_id: str) -> tuple[Explanation | None, bool]:
    """The explanation of a request, and whether Redis is down."""
    try:
        return pulse().circuit.run(lambda redis: pulse().explanations.find(redis, request_id)), False
    except CacheDownError:
        return None, True


def latest(kind: str = "") -> tuple[list[Listed], bool]:
    """The latest explained requests, and whether Redis is down."""
    try:
        return pulse().circuit.run(lambda redis: pulse().explanations.latest(redis, kind=kind)), False
    except CacheDownError:
        return [], True
