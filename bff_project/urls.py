"""Every address of the gateway; they are looked through in this order, so what is asked for most comes first."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from gateway_clients.edge import health, pages
from gateway_clients.edge.events import EventsViewSet
from gateway_clients.edge.graphql.view import GatewayGraphQLView

urlpatterns = [
    path("graphql", GatewayGraphQLView.as_view()),
    path("api/v1/", include("dashboard.urls")),
    path("api/v1/", include("claims.urls")),
    path("api/v1/", include("members.urls")),
    path("api/v1/schema", pages.SchemaView.as_view(), name="schema"),
    path("api/v1/events", EventsViewSet.as_view({"post": "receive"})),
    path("", pages.home),
    path("api-docs", pages.ApiDocsView.as_view()),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("favicon.ico", RedirectView.as_view(url=static("gateway/icon.svg"))),
    path("health", health.report),
    path("health/ready", health.ready),
]
handler400 = "gateway_clients.edge.handlers.bad_request"
handler403 = "gateway_clients.edge.handlers.forbidden"
handler404 = "gateway_clients.edge.handlers.not_found"
handler500 = "gateway_clients.edge.handlers.internal_error"
