"""Addresses of views made of several domains, below `/api/v1/`."""

from django.urls import path

from dashboard.views import AdminOverviewViewSet, MemberDashboardViewSet, MemberProfileViewSet, ProviderDashboardViewSet

urlpatterns = [
    path("dashboard/<id:member_id>", MemberDashboardViewSet.as_view({"get": "retrieve"})),
    path("members/<id:member_id>", MemberProfileViewSet.as_view({"get": "retrieve", "patch": "change"})),
    path("providers/<id:provider_id>/dashboard", ProviderDashboardViewSet.as_view({"get": "retrieve"})),
    path("admin/overview", AdminOverviewViewSet.as_view({"get": "retrieve"})),
]
