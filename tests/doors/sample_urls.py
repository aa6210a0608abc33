"""Views as somebody writes them who knows Django REST framework and not the gateway."""

from typing import Any, ClassVar

from django.urls import path
from rest_framework import exceptions
from rest_framework.authentication import BasicAuthentication
from rest_framework.decorators import action, api_view, permission_classes, throttle_classes
from rest_framework.parsers import FormParser, JSONParser
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from bff_project import urls
from gateway_clients.edge.access.resources import Resource
from gateway_clients.edge.access.rules import allowed, open_to_all, signed_in
from gateway_clients.edge.output.view_models import ViewModel
from gateway_clients.edge.rest.views import GatewayViewSet
from tests.doors.policies import Lines, OfHeader, OnTuesdays, Twice, calls


class Shown(ViewModel, frozen=True):
    """A view model."""

    member_id: str
    numbers: tuple[int, ...] = (1, 2)


class Teapot(exceptions.APIException):
    """Somebody's own exception."""

    status_code = 418
    default_detail = "It is a teapot."


class PlainViewSet(GatewayViewSet):
    """Nothing of DRF's is set."""

    @allowed(Resource.MEMBER_DATA)
    def retrieve(self, request: Request, member_id: str) -> Any:
        """A member's."""
        calls.append((member_id, self.scope.member_id, str(self.caller.pk)))
        return self.answer(Shown(member_id=member_id))

    @open_to_all
    def answered_by_drf(self, request: Request) -> Any:
        """DRF's own answer."""
        return Response({"name": "value"}, status=202)

    @open_to_all
    def teapot(self, request: Request) -> Any:
        """An exception of somebody's."""
        raise Teapot

    @open_to_all
    def echo(self, request: Request) -> Any:
        """What was sent, as the gateway reads it and as DRF does."""
        return Response({"body": self.body(), "data": request.data})


class ThrottledViewSet(PlainViewSet):
    """With a throttle."""

    throttle_classes = (Twice,)


class GuardedViewSet(PlainViewSet):
    """With a permission of its own."""

    permission_classes = (OnTuesdays,)


class OpenViewSet(GatewayViewSet):
    """Without access rules, as DRF's views are written."""

    permission_classes = (AllowAny,)

    def list(self, request: Request) -> Any:
        """For all."""
        return Response({"user": str(request.user)})


class StaffViewSet(GatewayViewSet):
    """For staff."""

    permission_classes = (IsAdminUser,)

    def list(self, request: Request) -> Any:
        """For staff."""
        return Response({})


class ForgottenViewSet(GatewayViewSet):
    """Neither an access rule nor a permission class."""

    throttle_classes = (Twice,)

    def list(self, request: Request) -> Any:
        """Never called."""
        calls.append("forgotten")


class HeaderViewSet(PlainViewSet):
    """With another way to sign in."""

    authentication_classes = (OfHeader,)


class FormViewSet(PlainViewSet):
    """Takes forms, and JSON as DRF reads it."""

    parser_classes = (FormParser, JSONParser)


class LinesViewSet(PlainViewSet):
    """Shows lines, or JSON by DRF's renderer."""

    renderer_classes = (Lines, JSONRenderer)


class ChoosingViewSet(PlainViewSet):
    """Chooses by a method."""

    def get_throttles(self) -> Any:
        """A throttle for one of the actions."""
        return [Twice()] if self.action == "retrieve" else []


class HandlingViewSet(PlainViewSet):
    """With an exception handler of its own."""

    def get_exception_handler(self) -> Any:
        """Tells the name of what was raised."""
        return lambda error, context: Response({type(error).__name__: context["view"].action}, status=409)


class RoutedViewSet(GatewayViewSet):
    """Routed by DRF, with an extra action."""

    @signed_in
    def list(self, request: Request) -> Any:
        """Who is signed in."""
        return Response({"pk": self.caller.pk})

    @action(detail=False, methods=["get"], permission_classes=[AllowAny], throttle_classes=[Twice])
    def open(self, request: Request) -> Any:
        """For all, twice a minute."""
        return Response({"open": True})


@api_view(["GET"])
@permission_classes([AllowAny])
@throttle_classes([Twice])
def function(request: Request) -> Response:
    """A function with DRF's decorators."""
    return Response({"function": True})


class Basic(APIView):
    """A view of DRF's own."""

    authentication_classes: ClassVar = [BasicAuthentication]
    permission_classes: ClassVar = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        """Who is signed in."""
        return Response({"user": str(request.user)})


class Bare(APIView):
    """A view of DRF's own on which nothing is set."""

    def get(self, request: Request) -> Response:
        """Never called."""
        calls.append("bare")
        return Response({})


router = SimpleRouter(trailing_slash=False)
router.register("api/v1/doors/routed", RoutedViewSet, basename="routed")
_KINDS = {
    "plain": PlainViewSet,
    "throttled": ThrottledViewSet,
    "guarded": GuardedViewSet,
    "header": HeaderViewSet,
    "form": FormViewSet,
    "lines": LinesViewSet,
    "choosing": ChoosingViewSet,
    "handling": HandlingViewSet,
}

urlpatterns = [
    *(path(f"api/v1/doors/{name}/<id:member_id>", view.as_view({"get": "retrieve"})) for name, view in _KINDS.items()),
    *(path(f"api/v1/doors/{name}-echo", view.as_view({"post": "echo"})) for name, view in _KINDS.items()),
    path(
        "api/v1/doors/own-throttle/<id:member_id>", PlainViewSet.as_view({"get": "retrieve"}, throttle_classes=[Twice])
    ),
    path("api/v1/doors/answered", PlainViewSet.as_view({"get": "answered_by_drf"})),
    path("api/v1/doors/teapot", PlainViewSet.as_view({"get": "teapot"})),
    path("api/v1/doors/handled", HandlingViewSet.as_view({"get": "teapot"})),
    path("api/v1/doors/open", OpenViewSet.as_view({"get": "list"})),
    path("api/v1/doors/staff", StaffViewSet.as_view({"get": "list"})),
    path("api/v1/doors/forgotten", ForgottenViewSet.as_view({"get": "list"})),
    path("api/v1/doors/function", function),
    path("api/v1/doors/basic", Basic.as_view()),
    path("api/v1/doors/bare", Bare.as_view()),
    *router.urls,
    *urls.urlpatterns,
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
