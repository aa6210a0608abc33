"""The addresses of the gateway, and views that show what the base of all views does."""

from django.http import HttpResponse
from django.urls import path
from django.views.decorators.http import require_GET
from rest_framework.request import Request

from bff_project import urls
from gateway_clients.edge.access.resources import Resource
from gateway_clients.edge.access.rules import allowed, open_to_all, signed_in
from gateway_clients.edge.input.parameters import page_of
from gateway_clients.edge.openapi.operations import PAGE_PARAMETERS, SEARCH_PARAMETER, shows
from gateway_clients.edge.output.view_models import ViewModel
from gateway_clients.edge.rest.views import GatewayViewSet
from gateway_clients.errors import UpstreamCircuitOpenError


class Echo(ViewModel):
    """What was asked."""

    member_id: str
    limit: int
    text: str = "x" * 300


calls: list[str] = []


class SampleViewSet(GatewayViewSet):
    """One action for each kind of rule."""

    @shows(Echo, parameters=(*PAGE_PARAMETERS, SEARCH_PARAMETER))
    @allowed(Resource.MEMBER_DATA)
    def retrieve(self, request: Request, member_id: str) -> HttpResponse:
        """A member's."""
        calls.append(member_id)
        return self.answer(Echo(member_id=member_id, limit=page_of(request.query_params).limit))

    @open_to_all
    def echo(self, request: Request) -> HttpResponse:
        """Takes a body."""
        return self.answer(Echo(member_id=str(sorted(self.body())), limit=1))

    @signed_in
    def ping(self, request: Request) -> HttpResponse:
        """Nearly nothing."""
        return self.answer(Echo(member_id="-", limit=1, text=""))

    @open_to_all
    def crash(self, request: Request) -> HttpResponse:
        """Nobody foresaw it."""
        raise ValueError("secret words of the inside")

    @open_to_all
    def broken(self, request: Request) -> HttpResponse:
        """An open breaker."""
        raise UpstreamCircuitOpenError("claims", retry_after_seconds=41.2)

    def forgotten(self, request: Request) -> HttpResponse:
        """No rule."""
        calls.append("forgotten")
        return HttpResponse()


@require_GET
def plain(_request: object) -> HttpResponse:
    """A view that is not DRF's."""
    return HttpResponse("plain")


urlpatterns = [
    path("api/v1/sample/<id:member_id>", SampleViewSet.as_view({"get": "retrieve"})),
    path("api/v1/sample-echo", SampleViewSet.as_view({"post": "echo"})),
    path("api/v1/sample-ping", SampleViewSet.as_view({"get": "ping"})),
    path("api/v1/sample-crash", SampleViewSet.as_view({"get": "crash"})),
    path("api/v1/sample-broken", SampleViewSet.as_view({"get": "broken"})),
    path("api/v1/sample-forgotten", SampleViewSet.as_view({"get": "forgotten"})),
    path("plain", plain),
    *urls.urlpatterns,
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
